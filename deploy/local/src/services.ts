import { AuthModule } from "@fieldlog/auth";
import { DevicesModule } from "@fieldlog/devices";
import { EdgeHttpModule } from "@fieldlog/edge-http";
import { EdgeMqttModule } from "@fieldlog/edge-mqtt";
import { EdgeWebSocketModule } from "@fieldlog/edge-websocket";
import { LivenessModule } from "@fieldlog/liveness";
import { OffersModule } from "@fieldlog/offers";
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

/** The services, in the order of their start; they stop in the reverse: the doors first, so that they drain. */
export const services: readonly { name: string; module: (runtime: Runtime) => Module }[] = [
  { name: "auth", module: (runtime) => AuthModule.with(runtime) },
  { name: "devices", module: (runtime) => DevicesModule.with(runtime) },
  { name: "projections", module: (runtime) => ProjectionsModule.with(runtime) },
  { name: "subscriptions", module: (runtime) => SubscriptionsModule.with(runtime) },
  { name: "liveness", module: (runtime) => LivenessModule.with(runtime) },
  { name: "offers", module: (runtime) => OffersModule.with(runtime) },
  { name: "sampling", module: (runtime) => SamplingModule.with(runtime) },
  { name: "streams", module: (runtime) => StreamsModule.with(runtime) },
  { name: "edge-http", module: (runtime) => EdgeHttpModule.with(runtime) },
  { name: "edge-mqtt", module: (runtime) => EdgeMqttModule.with(runtime) },
  { name: "edge-websocket", module: (runtime) => EdgeWebSocketModule.with(runtime) },
];
