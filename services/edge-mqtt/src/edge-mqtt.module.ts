import type { Runtime } from "@fieldlog/runtime";
import { type DynamicModule, Module } from "@nestjs/common";
import { compose, type EdgeMqttOptions } from "./compose.js";

/** The service, for a process of its own or one that it shares. Its parts start with `runtime.lifecycle`. */
@Module({})
// biome-ignore lint/complexity/noStaticOnlyClass: Nest knows a module by its class
export class EdgeMqttModule {
  static with(runtime: Runtime, options: EdgeMqttOptions = {}): DynamicModule {
    return {
      module: EdgeMqttModule,
      providers: [{ provide: "edge-mqtt", useFactory: () => compose(runtime, options) }],
    };
  }
}
