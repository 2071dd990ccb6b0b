import type { Runtime } from "@fieldlog/runtime";
import { type DynamicModule, Module } from "@nestjs/common";
import { compose, type EdgeWebSocketOptions } from "./compose.js";

/** The service, for a process of its own or one that it shares. Its parts start with `runtime.lifecycle`. */
@Module({})
// biome-ignore lint/complexity/noStaticOnlyClass: Nest knows a module by its class
export class EdgeWebSocketModule {
  static with(runtime: Runtime, options: EdgeWebSocketOptions = {}): DynamicModule {
    return {
      module: EdgeWebSocketModule,
      providers: [{ provide: "edge-websocket", useFactory: () => compose(runtime, options) }],
    };
  }
}
