export { byShard, servedOf } from "./by-shard.js";
export { listenAddress } from "./listen-address.js";
export type { CallOptions, RpcCall, RpcMethods, ServiceImpl } from "./methods.js";
export { type RpcChannel, type RpcClient, type RpcClientOptions, rpcClient } from "./rpc-client.js";
export { type RpcCode, RpcError, rpcErrorOf } from "./rpc-error.js";
export { RpcServer, type RpcServerOptions } from "./rpc-server.js";
