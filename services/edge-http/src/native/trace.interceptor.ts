import type { CallHandler, ExecutionContext, NestInterceptor } from "@nestjs/common";
import type { FastifyRequest } from "fastify";
import { from, lastValueFrom, type Observable } from "rxjs";
import { traced } from "../http/traced.js";

/** Where tracing is on, a native request is a span, to which the calls to other services belong. */
export class TraceInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const name = `native ${context.getHandler().name}`;
    return from(traced(request, name, () => lastValueFrom(next.handle(), { defaultValue: undefined })));
  }
}
