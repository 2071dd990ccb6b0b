import { limits } from "@fieldlog/contracts";
import { z } from "zod";
import { component, id, openToCsn } from "../schemas.js";

const seconds = z.int().min(1).max(limits.longestInactiveS).nullable();
const settings = {
  heartbeatS: seconds.describe(`A heartbeat is expected so often; null: every ${limits.heartbeatS} s`),
  inactiveAfterS: seconds.describe(
    `Without one for so long a device is inactive; null: ${limits.inactiveAfterS} s`,
  ),
  uniqueDeviceNames: z.boolean().describe("Of every dialect, no two devices have the same name"),
  devices: z.int().min(1).max(limits.livenessDevices).nullable().describe("Most devices; null: no limit"),
  storedBytes: z.int().min(1).nullable().describe("Most bytes of all readings; null: no limit"),
  uploadBytes: z
    .int()
    .min(1)
    .max(2 ** 32 - 1)
    .nullable()
    .describe(`Most bytes of one upload; null: ${limits.uploadBytes}`),
  offers: z.enum(["requested", "all"]).describe("Which offers of data are accepted"),
  remoteAccess: z.boolean().describe("Keys with permission admin may open tunnels to its devices"),
  openToCsn,
};

export const NamespaceSettings = component("NamespaceSettings", z.object(settings));
export const NamespaceSettingsChange = component(
  "NamespaceSettingsChange",
  z.strictObject(settings).partial().describe("What is absent stays as it is"),
);

const role = z.enum(["owner", "editor", "reader"]);
export const Member = component("Member", z.object({ userId: z.string(), name: z.string(), role }));
export const Members = component("Members", z.object({ members: z.array(Member) }));
export const NewMember = component("NewMember", z.strictObject({ name: id, role }));

export const ClearedNamespace = component(
  "ClearedNamespace",
  z.object({
    signalsBefore: z.int().describe("What stood before these sequences of the two logs is gone"),
    registryBefore: z.int(),
    commits: z.int().describe("Removed from the log of signals"),
    decisions: z.int().describe("Removed from the log of decisions"),
  }),
);
