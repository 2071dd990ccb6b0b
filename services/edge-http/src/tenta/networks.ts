import { deviceKey } from "@fieldlog/admission";
import { type projections, REGISTRY, SIGNALS } from "@fieldlog/contracts";
import { NewNetwork, readFields, SensorName } from "./input.js";
import { askedBy, note, type TentaParts } from "./parts.js";
import type { Answer, TentaRequest } from "./request.js";
import { CREDENTIAL_KIND, DIALECT, seconds, sensorJson, valueCounts } from "./words.js";

/** Sensors that are asked for at once. */
const PAGE = 1_000;
/** A3.6: how far back the overview of a network goes. */
const OVERVIEW_MS = 28 * 86_400_000;

/** Networks and their sensors. */
export class Networks {
  constructor(private readonly parts: TentaParts) {}

  async createNetwork({ body, authorization }: TentaRequest): Promise<Answer> {
    const { network_name: name } = readFields(NewNetwork, body);
    const { access, auth, known } = this.parts;
    const user = await access.user(authorization);
    const decidedBy = askedBy(user);
    const { namespace, sequence } = await auth.createNamespace({ name, decidedBy, owner: user.userId });
    if (namespace === undefined) throw new Error("auth answered without a namespace");
    known.namespaces.invalidate(name);
    note(this.parts, namespace.id, sequence);
    return { json: { network_identifier: namespace.id }, sequence };
  }

  async listNetworks({ authorization }: TentaRequest): Promise<Answer> {
    const { userId } = await this.parts.access.user(authorization);
    const { namespaces } = await this.parts.auth.listUserNamespaces({ userId });
    const networks = namespaces.flatMap(({ namespace, role }) =>
      namespace === undefined
        ? []
        : [{ network_identifier: namespace.id, network_name: namespace.name, role }],
    );
    return { json: networks };
  }

  /** The older generation's overview (A3.1). */
  async showNetwork(request: TentaRequest): Promise<Answer> {
    const { network } = await this.parts.access.inNetwork(request);
    const [sensors, { counts }] = await Promise.all([
      this.sensorsOf(network.id),
      this.parts.projections.countValues({
        namespace: network.id,
        from: BigInt(this.parts.now() - OVERVIEW_MS),
        atLeast: BigInt(this.parts.ownWrites.of(network.id, SIGNALS)),
      }),
    ]);
    return { json: valueCounts(sensors, counts) };
  }

  async listSensors(request: TentaRequest): Promise<Answer> {
    const { network } = await this.parts.access.inNetwork(request);
    return { json: (await this.sensorsOf(network.id)).map(sensorJson) };
  }

  /**
   * Two decisions: the sensor's, then its password's. If the second fails, the first is taken back, so that
   * the same can be asked again. If that fails too, the sensor is there without a password, which it can be
   * given by {@link rotateSecret}.
   */
  async createSensor(request: TentaRequest): Promise<Answer> {
    const { sensor_name: name } = readFields(SensorName, request.body);
    const { user, network } = await this.parts.access.inNetwork(request);
    const decidedBy = askedBy(user);
    const of = { namespace: network.id, decidedBy };
    const { device } = await this.parts.devices.createDevice({ ...of, dialect: DIALECT, name });
    if (device === undefined) throw new Error("devices made a device and did not say which");
    note(this.parts, network.id, device.sequence);
    try {
      const { secret, sequence } = await this.issue(network.id, device.id);
      return { json: { sensor_identifier: device.id, sensor_secret: secret }, sequence };
    } catch (error) {
      await this.takeBack({ ...of, device: device.id });
      throw error;
    }
  }

  async renameSensor(request: TentaRequest): Promise<Answer> {
    const { sensor_name: name } = readFields(SensorName, request.body);
    const { user, network, sensor } = await this.parts.access.atSensor(request);
    const { device } = await this.parts.devices.renameDevice({
      ...{ namespace: network.id, device: sensor.id, name, decidedBy: askedBy(user) },
    });
    if (device !== undefined) note(this.parts, network.id, device.sequence);
    return { json: { sensor_identifier: sensor.id }, sequence: device?.sequence };
  }

  /** The password first: should the rest fail, the same can be asked again. */
  async removeSensor(request: TentaRequest): Promise<Answer> {
    const { user, network, sensor } = await this.parts.access.atSensor(request);
    const asked = { namespace: network.id, device: sensor.id, decidedBy: askedBy(user) };
    await this.parts.auth.revokeDeviceCredentials(asked);
    const { sequence } = await this.parts.devices.removeDevice(asked);
    this.parts.known.registered.invalidate(deviceKey(network.id, sensor.id));
    note(this.parts, network.id, sequence);
    return { sequence };
  }

  async rotateSecret(request: TentaRequest): Promise<Answer> {
    const { network, sensor } = await this.parts.access.atSensor(request);
    const { secret, sequence } = await this.issue(network.id, sensor.id);
    return { json: { sensor_secret: secret }, sequence };
  }

  async showLatest(request: TentaRequest): Promise<Answer> {
    const { network, sensor } = await this.parts.access.atSensor(request);
    const of = { namespace: network.id, device: sensor.id };
    const { ownWrites, projections } = this.parts;
    const [{ device }, { values }] = await Promise.all([
      projections.getDevice({ ...of, atLeast: BigInt(ownWrites.of(network.id, REGISTRY)) }),
      projections.listLatestValues({ ...of, atLeast: BigInt(ownWrites.of(network.id, SIGNALS)) }),
    ]);
    const latest = values.map(({ attribute, value, occurredAt }) => [
      attribute,
      { value, creation_timestamp: occurredAt },
    ]);
    return { json: { last_seen_timestamp: seconds(device?.lastSeenAt), values: Object.fromEntries(latest) } };
  }

  private async issue(namespace: string, device: string) {
    const issued = await this.parts.auth.issueDeviceCredential({ namespace, device, kind: CREDENTIAL_KIND });
    note(this.parts, namespace, issued.sequence);
    return issued;
  }

  private async takeBack(asked: { namespace: string; device: string; decidedBy: string }): Promise<void> {
    try {
      const { sequence } = await this.parts.devices.removeDevice(asked);
      note(this.parts, asked.namespace, sequence);
    } catch (err) {
      this.parts.logger.warn({ err, ...asked }, "a sensor has no password, and could not be taken back");
    }
  }

  private async sensorsOf(namespace: string): Promise<projections.NamedDevice[]> {
    const atLeast = BigInt(this.parts.ownWrites.of(namespace, REGISTRY));
    const all: projections.NamedDevice[] = [];
    let after = "";
    do {
      const page = await this.parts.projections.listNamedDevices({ namespace, limit: PAGE, after, atLeast });
      all.push(...page.devices);
      after = page.next;
    } while (after !== "");
    return all;
  }
}
