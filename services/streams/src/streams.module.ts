import type { Runtime } from "@fieldlog/runtime";
import { type DynamicModule, Module } from "@nestjs/common";
import { compose } from "./compose.js";

/** The service, for a process of its own or one that it shares. Its parts start with `runtime.lifecycle`. */
@Module({})
// biome-ignore lint/complexity/noStaticOnlyClass: Nest knows a module by its class
export class StreamsModule {
  static with(runtime: Runtime): DynamicModule {
    return {
      module: StreamsModule,
      providers: [{ provide: "streams", useFactory: () => compose(runtime) }],
    };
  }
}
