import type { auth } from "@fieldlog/contracts";
import type { z } from "zod";
import type { NamespaceSettings } from "./tenancy-schemas.js";

type Json = z.output<typeof NamespaceSettings>;

/** gRPC's settings as the native API's JSON; null: the default. */
export function settingsJson(settings: auth.Namespace["settings"]): Json {
  const { liveness, limits } = settings ?? {};
  return {
    heartbeatS: liveness?.heartbeatS ?? null,
    inactiveAfterS: liveness?.inactiveAfterS ?? null,
    uniqueDeviceNames: settings?.uniqueDeviceNames ?? false,
    devices: limits?.devices ?? null,
    storedBytes: limits?.storedBytes === undefined ? null : Number(limits.storedBytes),
    uploadBytes: limits?.uploadBytes ?? null,
    offers: settings?.offers === "all" ? "all" : "requested",
    remoteAccess: settings?.remoteAccess ?? false,
    openToCsn: !settings?.closedToCsn,
  };
}

/** The same way back. */
export function settingsOf(json: Json) {
  const { heartbeatS, inactiveAfterS, devices, storedBytes, uploadBytes } = json;
  const { uniqueDeviceNames, offers, remoteAccess, openToCsn } = json;
  return {
    liveness: {
      ...(heartbeatS === null ? {} : { heartbeatS }),
      ...(inactiveAfterS === null ? {} : { inactiveAfterS }),
    },
    limits: {
      ...(devices === null ? {} : { devices }),
      ...(storedBytes === null ? {} : { storedBytes: BigInt(storedBytes) }),
      ...(uploadBytes === null ? {} : { uploadBytes }),
    },
    ...{ uniqueDeviceNames, offers, remoteAccess, closedToCsn: !openToCsn },
  };
}
