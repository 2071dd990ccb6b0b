import { Aggregates, Snapshots, type SnapshotTables } from "@fieldlog/aggregates";
import { auth, limits, provisioning, sealing } from "@fieldlog/contracts";
import { connectLog, logOptions } from "@fieldlog/event-log";
import { openReadDatabase, ReadModelRunner } from "@fieldlog/read-model";
import { listenAddress, RpcServer } from "@fieldlog/rpc";
import { need, type Runtime } from "@fieldlog/runtime";
import { InstallationKeys, resealing } from "@fieldlog/sealing";
import { readModel, SCHEMA } from "./read-model.js";
import { authService, seeing } from "./rpc/auth-service.js";
import { provisioningService } from "./rpc/provisioning/provisioning-service.js";
import { refusal } from "./rpc/refusal.js";
import { ApiKeys } from "./service/api-keys.js";
import { clearNamespace } from "./service/clearing.js";
import { Credentials } from "./service/credentials.js";
import { DeviceList } from "./service/device-list.js";
import { DeviceSessions } from "./service/device-sessions.js";
import { firstStart } from "./service/first-start.js";
import { Keyring } from "./service/keyring.js";
import { catchingUp, Lookup } from "./service/lookup.js";
import { Memberships } from "./service/memberships.js";
import { Namespaces } from "./service/namespaces.js";
import { Passwords } from "./service/passwords.js";
import { addProvisioning } from "./service/provisioning/add-provisioning.js";
import { WrongCodes } from "./service/provisioning/wrong-codes.js";
import { Resealing } from "./service/resealing.js";
import { checkSealedBy } from "./service/sealed-by.js";
import { Sessions } from "./service/sessions.js";
import { Users } from "./service/users.js";
import { WrongPasswords } from "./service/wrong-passwords.js";

/** Puts the service together; its parts start and stop in the order in which they stand here. */
export async function compose(runtime: Runtime): Promise<void> {
  const { logger, metrics, lifecycle, health } = runtime;
  const settings = need(runtime.settings, "natsUrl", "postgresUrl", "internalToken", "installationKey");

  const log = await connectLog(logOptions(settings, runtime.service, logger));
  const database = openReadDatabase<SnapshotTables>({
    url: settings.postgresUrl,
    schema: SCHEMA,
    metrics,
    onError: (err) => logger.warn({ err }, "lost a connection to Postgres"),
  });
  const runner = new ReadModelRunner({ log, database, definition: readModel, logger, metrics });
  const snapshots = new Snapshots(database, readModel.version);
  const aggregates = new Aggregates({ log, snapshots, metrics });

  const installationKeys = new InstallationKeys(settings.installationKey);
  const keyring = new Keyring(installationKeys.sealing, (id) => namespaces.withId(id), limits.cachedKeys);
  const namespaces = new Namespaces(aggregates, snapshots, (id) => keyring.create(id), settings.shards);
  const waitFor = (sequence: number, timeoutMs: number) => runner.waitFor(sequence, timeoutMs);
  const caughtUp = catchingUp(log, runner);
  const apiKeys = new ApiKeys({ aggregates, snapshots, keyring, caughtUp, now: Date.now });
  const lookup = new Lookup(snapshots, caughtUp);
  const checkNamespace = (id: string) => namespaces.withId(id);
  const byDevice = new Lookup(new DeviceList(database), caughtUp);
  const credentials = new Credentials({ aggregates, byDevice, keyring, checkNamespace, now: Date.now });
  const passwords = new Passwords({ atOnce: limits.passwordsHashed, waiting: limits.passwordsWaiting });
  const wrongPasswords = new WrongPasswords({
    most: limits.wrongPasswords,
    windowMs: limits.wrongPasswordsMs,
    names: limits.users,
  });
  const users = new Users({ aggregates, snapshots, lookup, keyring, passwords, wrongPasswords });
  const fromLog = new Aggregates({ log, snapshots: { load: async () => undefined }, metrics });
  const sessions = new Sessions(fromLog);
  const deviceSessions = new DeviceSessions(fromLog, apiKeys);
  const memberships = new Memberships({ aggregates, snapshots, namespaces, users });
  const clearing = { clearings: log.clearings, checkNamespace, logger };
  const clear = (id: string, decidedBy: string) => clearNamespace(clearing, id, decidedBy);
  const provisioned = addProvisioning(runtime, {
    ...{ aggregates, snapshots, database, lookup, caughtUp, namespaces },
    wrongCodes: await WrongCodes.open(log.connection, settings.replicas, Date.now),
    connections: installationKeys.capabilities("connection"),
    internalToken: settings.internalToken,
  });
  const { registrations } = provisioned;
  const resealed = new Resealing({ aggregates, snapshots, keyring, caughtUp });
  const seen = seeing({ waitFor, logger });
  const parts = {
    registrations,
    namespaces,
    apiKeys,
    credentials,
    users,
    sessions,
    deviceSessions,
    memberships,
    clear,
  };

  const server = new RpcServer({
    address: listenAddress(settings.authGrpc, settings.grpcBind ?? settings.bind),
    token: settings.internalToken,
    logger,
    metrics,
    refusal,
  })
    .add(auth.AuthService, authService({ ...parts, seen }))
    .add(provisioning.ProvisioningService, provisioningService({ ...provisioned, seen }))
    .add(sealing.SealingService, {
      reseal: resealing(installationKeys.sealing, (asked) => resealed.page(asked)),
    });

  const stopping = new AbortController();
  let firstSequence = Number.POSITIVE_INFINITY;
  lifecycle.add({ name: "log", stop: () => log.close() });
  lifecycle.add({ name: "database", stop: () => database.close() });
  lifecycle.add({
    name: "first start",
    start: async () => {
      firstSequence = await firstStart(
        { log, keyring, adminKey: settings.adminKey, logger },
        stopping.signal,
      );
    },
    stop: async () => stopping.abort(),
  });
  lifecycle.add({ name: "read model", start: () => runner.start(), stop: () => runner.stop() });
  lifecycle.add({
    name: "installation's key",
    start: () => checkSealedBy({ database, keys: installationKeys.sealing, caughtUp }),
  });
  lifecycle.add({ name: "gRPC", start: () => server.start(), stop: () => server.stop() });

  health.add("log", () => log.ready());
  health.add("database", () => runner.ready());
  health.add("operator's key", async () =>
    (await runner.waitFor(firstSequence, 1)) ? undefined : "the read model does not have it yet",
  );
}
