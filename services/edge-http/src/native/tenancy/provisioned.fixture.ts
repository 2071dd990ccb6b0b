import type { Doors } from "./doors.fixture.js";
import type { Place } from "./place.fixture.js";

/** A device that was let in, with what it connects with. */
export interface Provisioned {
  readonly doors: Doors;
  readonly hubId: string;
  readonly password: string;
}

/** Lets a device in; its HTTP doors, and that of whoever sends it something. */
export async function provisioned(place: Place): Promise<Provisioned> {
  const { token } = await place.operate("/provisioning-tokens", { name: "fleet", approved: true });
  const shown = { authorization: `DeviceToken ${token}`, "content-type": "application/json" };
  const asked = JSON.stringify({ deviceId: "porch-1" });
  const { provisioningOperationId } = await place.json("POST", "/provisioning-operations/init", shown, {
    deviceId: "porch-1",
  });
  const done = await place.json("PUT", "/provisioning-operations/complete", shown, {
    provisioningOperationId,
  });
  const registration = { ...shown, authorization: `DeviceToken ${done["registrationToken"]}` };
  const { connectionString } = await place.json("PUT", "/devices/register", registration);
  const part = (name: string) => new RegExp(`${name}=([^;]*)`).exec(String(connectionString))?.[1] ?? "";
  const [hubId, password] = [part("DeviceId"), part("SharedAccessSignature")];
  const files = `/devices/${hubId}/files?api-version=2020-03-13`;
  const message = `/v1/namespaces/${place.name}/devices/porch-1/messages`;
  return {
    ...{ hubId, password },
    doors: {
      "Spotflow: a device that comes": () =>
        place.status("POST", "/provisioning-operations/init", shown, asked),
      "Spotflow: a registration": () => place.status("PUT", "/devices/register", registration, "{}"),
      "Spotflow: a large payload": () =>
        place.status("POST", files, { authorization: password }, JSON.stringify({ blobName: "b" })),
      "Spotflow: a message to the device": () => place.status("POST", message, place.operator, "x"),
    },
  };
}
