// For whoever shows what cameras see.
export { NewestPicture } from "./newest-picture.js";
export { type Camera, Pictures, type Resolution, type Viewer, wishOfToken } from "./pictures.js";
// The two ends between an edge that holds a device's connection and whoever wants something of the device.
export { RemoteDevices, RemoteUnavailable } from "./remote-devices.js";
export { type Answer, type HeldDevice, RemoteHost } from "./remote-host.js";
// Tunnels to devices: what the edges of their two ends say to each other.
export { awaitJoin, joinTunnel, type TunnelOf } from "./tunnel-join.js";
export { type TunnelFrame, TunnelWire } from "./tunnel-wire.js";
