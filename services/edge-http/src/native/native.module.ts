import { type DynamicModule, Module } from "@nestjs/common";
import { DevicesController } from "./devices.controller.js";
import { EditingController } from "./editing/editing.controller.js";
import { FleetController } from "./fleet/fleet.controller.js";
import { InferenceController } from "./inference/inference.controller.js";
import { InstallationController } from "./installation/installation.controller.js";
import { LivenessController } from "./liveness/liveness.controller.js";
import { ModelsController } from "./models/models.controller.js";
import { NamespacesController } from "./namespaces.controller.js";
import { OperatorController } from "./operator.controller.js";
import { NATIVE, type NativeParts } from "./parts.js";
import { PropertiesController } from "./properties/properties.controller.js";
import { ProvisioningController } from "./provisioning/provisioning.controller.js";
import { RatesController } from "./rates/rates.controller.js";
import { ReadingsController } from "./readings/readings.controller.js";
import { RequestsController } from "./readings/requests.controller.js";
import { ReadsController } from "./reads.controller.js";
import { SamplesController } from "./samples/samples.controller.js";
import { SamplingsController } from "./samplings/samplings.controller.js";
import { SigningController } from "./signed/signing.controller.js";
import { SnapshotsController } from "./snapshots/snapshots.controller.js";
import { StreamGroupsController } from "./streamgroups/streamgroups.controller.js";
import { StreamsController } from "./streams.controller.js";
import { SubscriptionsController } from "./subscriptions.controller.js";
import { TenancyController } from "./tenancy/tenancy.controller.js";
import { TunnelsController } from "./tunnels/tunnels.controller.js";

/** The native API's controllers. */
@Module({})
// biome-ignore lint/complexity/noStaticOnlyClass: Nest knows a module by its class
export class NativeModule {
  static with(parts: NativeParts): DynamicModule {
    return {
      module: NativeModule,
      controllers: [
        ReadsController,
        ReadingsController,
        RequestsController,
        RatesController,
        LivenessController,
        SnapshotsController,
        InferenceController,
        SamplingsController,
        PropertiesController,
        FleetController,
        SamplesController,
        ModelsController,
        SigningController,
        StreamsController,
        StreamGroupsController,
        SubscriptionsController,
        DevicesController,
        EditingController,
        NamespacesController,
        TenancyController,
        TunnelsController,
        ProvisioningController,
        OperatorController,
        InstallationController,
      ],
      providers: [{ provide: NATIVE, useValue: parts }],
    };
  }
}
