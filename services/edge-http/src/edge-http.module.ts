import type { Runtime } from "@fieldlog/runtime";
import { type DynamicModule, Module } from "@nestjs/common";
import { compose, type EdgeOptions } from "./compose.js";

/** The service, for a process of its own or one that it shares. Its parts start with `runtime.lifecycle`. */
@Module({})
// biome-ignore lint/complexity/noStaticOnlyClass: Nest knows a module by its class
export class EdgeHttpModule {
  static with(runtime: Runtime, options: EdgeOptions = {}): DynamicModule {
    return {
      module: EdgeHttpModule,
      providers: [{ provide: "edge-http", useFactory: () => compose(runtime, options) }],
    };
  }
}
