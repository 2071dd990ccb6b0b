import { AuthModule } from "@fieldlog/auth";
import { DevicesModule } from "@fieldlog/devices";
import { EdgeHttpModule } from "@fieldlog/edge-http";
import { EdgeMqttModule } from "@fieldlog/edge-mqtt";
import { EdgeWebSocketModule } from "@fieldlog/edge-websocket";
import { LivenessModule } from "@fieldlog/liveness";
import { OffersModule } from "@fieldlog/offers";
import { SERVICES, type ServiceName } from "@fieldlog/processes";
import { ProjectionsModule } from "@fieldlog/projections";
import { type hostModule, type Runtime, SettingsError } from "@fieldlog/runtime";
import { SamplingModule } from "@fieldlog/sampling";
import { StreamsModule } from "@fieldlog/streams";
import { SubscriptionsModule } from "@fieldlog/subscriptions";

/** Those that are asked for; all, where nothing is. Raises SettingsError for one that does not exist. */
export function chosenServices(names: readonly string[] | undefined): typeof services {
  const unknown = names?.filter((name) => !services.some((service) => service.name === name)) ?? [];
  if (unknown.length > 0) {
    const known = services.map(({ name }) => name).join(", ");
    throw new SettingsError([`FIELDLOG_SERVICES: there is no ${unknown.join(", ")}, only ${known}`]);
  }
  return names === undefined ? services : services.filter(({ name }) => names.includes(name));
}

type Module = Parameters<typeof hostModule>[1];

const modules: Readonly<Record<ServiceName, (runtime: Runtime) => Module>> = {
  auth: (runtime) => AuthModule.with(runtime),
  devices: (runtime) => DevicesModule.with(runtime),
  projections: (runtime) => ProjectionsModule.with(runtime),
  subscriptions: (runtime) => SubscriptionsModule.with(runtime),
  liveness: (runtime) => LivenessModule.with(runtime),
  offers: (runtime) => OffersModule.with(runtime),
  sampling: (runtime) => SamplingModule.with(runtime),
  streams: (runtime) => StreamsModule.with(runtime),
  "edge-http": (runtime) => EdgeHttpModule.with(runtime),
  "edge-mqtt": (runtime) => EdgeMqttModule.with(runtime),
  "edge-websocket": (runtime) => EdgeWebSocketModule.with(runtime),
};

/** The services, in the order of their start; they stop in the reverse. */
export const services = SERVICES.map((name) => ({ name, module: modules[name] }));
