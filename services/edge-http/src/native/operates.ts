import { HttpCode, RequestMapping, RequestMethod } from "@nestjs/common";
import type { Operation } from "./operations.js";

const methods = {
  get: RequestMethod.GET,
  post: RequestMethod.POST,
  put: RequestMethod.PUT,
  patch: RequestMethod.PATCH,
  delete: RequestMethod.DELETE,
} as const;

/** A controller's method that carries out an operation, at its path and with its status. */
export function Operates(operation: Operation): MethodDecorator {
  return (target, name, descriptor) => {
    const path = operation.path.replaceAll(/\{(\w+)\}/g, ":$1");
    RequestMapping({ path, method: methods[operation.method] })(target, name, descriptor);
    HttpCode(operation.status)(target, name, descriptor);
  };
}
