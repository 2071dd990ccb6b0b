// For whoever shows what cameras see.
export { NewestPicture } from "./newest-picture.js";
export { type Camera, Pictures, type Resolution, type Viewer, wishOfToken } from "./pictures.js";
// The two ends between an edge that holds a device's connection and whoever wants something of the device.
export { RemoteDevices, RemoteUnavailable } from "./remote-devices.js";
export { type Answer, type HeldDevice, RemoteHost } from "./remote-host.js";
