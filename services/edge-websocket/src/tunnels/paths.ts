/** Where an operator's URL leads, and where a device's does. */
export const OPERATOR_PATH = "/v1/tunnels";
export const DEVICE_PATH = "/v1/tunnels/device";
