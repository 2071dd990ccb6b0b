import { NAMESPACE, op } from "../operation.js";
import { NoQuery } from "../schemas.js";
import * as schema from "./editing-schemas.js";

const DEVICE = `${NAMESPACE}/devices/{device}`;

/** Changes of devices' metadata, by keys and by edit tokens. */
export const editingOperations = {
  changeDevice: op({
    ...{ method: "patch", path: DEVICE, access: "writer", status: 200, writes: true },
    edits: true,
    summary: "Changes a device's metadata; an edit token of the device does as well",
    query: NoQuery,
    body: schema.DeviceChange,
    answer: schema.ChangedDevice,
  }),
  createEditToken: op({
    ...{ method: "post", path: `${DEVICE}/edit-token`, access: "writer", status: 201 },
    summary: "A token, good for 30 minutes, with which somebody may edit the device's metadata",
    query: NoQuery,
    answer: schema.EditToken,
  }),
};
