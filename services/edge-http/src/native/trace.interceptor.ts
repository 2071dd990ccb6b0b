import { withTraceParent } from "@fieldlog/runtime";
import type { CallHandler, ExecutionContext, NestInterceptor } from "@nestjs/common";
import type { FastifyRequest } from "fastify";
import { from, lastValueFrom, type Observable } from "rxjs";

/** Where tracing is on, a native request is a span, to which the calls to other services belong. */
export class TraceInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const given = request.headers["traceparent"];
    const traceParent = typeof given === "string" ? given : undefined;
    const name = `native ${context.getHandler().name}`;
    return from(
      withTraceParent(traceParent, name, {}, () => lastValueFrom(next.handle(), { defaultValue: undefined })),
    );
  }
}
