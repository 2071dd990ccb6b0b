import type { Place } from "../native/tenancy/place.fixture.js";

const JSON_TYPE = { "content-type": "application/json" };

/**
 * A device that came in with a token, four that wait for approval, and tokens that are void: one that was replaced by
 * another, one that was disabled.
 */
export async function comesIn(place: Place, canary: string) {
  const token = async (approved: boolean) => {
    const made = await place.operate("/provisioning-tokens", { name: canary, approved });
    return { id: String(made["id"]), token: String(made["token"]) };
  };
  const shown = (given: unknown) => ({ ...JSON_TYPE, authorization: `DeviceToken ${String(given)}` });
  const [ready, waits, disabled] = [await token(true), await token(false), await token(true)];
  const { token: renewed } = await place.operate(`/provisioning-tokens/${waits.id}/regenerate`);
  await place.operate(`/provisioning-tokens/${disabled.id}/disable`);

  const steps = "/provisioning-operations";
  const device = `hut-${crypto.randomUUID().slice(0, 8)}`;
  const begun = await place.json("POST", `${steps}/init`, shown(ready.token), { deviceId: device });
  const { provisioningOperationId } = begun;
  const body = { provisioningOperationId };
  const { registrationToken } = await place.json("PUT", `${steps}/complete`, shown(ready.token), body);
  const registered = await place.json("PUT", "/devices/register", shown(registrationToken));
  const part = (name: string) =>
    new RegExp(`${name}=([^;]*)`).exec(String(registered["connectionString"]))?.[1] ?? "";
  const hub = part("DeviceId");
  const connection = part("SharedAccessSignature");

  const pending: Record<string, string> = {};
  for (const name of ["pending", "otherPending", "thirdPending", "fourthPending"]) {
    const wish = { deviceId: `${device}-${name}`, attributes: { note: canary } };
    const waiting = await place.json("POST", `${steps}/init`, shown(renewed), wish);
    pending[name] = String(waiting["provisioningOperationId"]);
  }
  const file = { blobName: "payload.bin" };
  const query = "?api-version=2020-03-13";
  const begins = await place.json(
    "POST",
    `/devices/${hub}/files${query}`,
    { authorization: connection },
    file,
  );
  const seconds = { container: "Messages", duration: "00:10:00" };
  const storage = await place.json(
    ...(["POST", `/workspaces/${place.id}/storage/secure-uri`, place.operator, seconds] as const),
  );
  const uri = Object.values(storage).find((value) => String(value).startsWith("http"));
  return {
    things: {
      ...{ hut: device, hub, blob: file.blobName, provisioningToken: ready.id },
      ...{ operation: String(provisioningOperationId), registrationToken: String(registrationToken) },
      ...pending,
    },
    secrets: {
      ...{ provisioning: ready.token, pendingProvisioning: String(renewed) },
      ...{ replacedProvisioning: waits.token, disabledProvisioning: disabled.token },
      ...{ registration: String(registrationToken), connection },
      file: String(begins["sasToken"]).slice("?sig=".length),
      storage: new URL(String(uri)).searchParams.get("sig") ?? "",
    },
  };
}
