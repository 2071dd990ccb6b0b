import { inBytes } from "./fields.js";
import { InvalidEvent } from "./invalid-event.js";

/** What the platform alone says of devices: who published these would have others believe who is alive, or what it did. */
const RESERVED: ReadonlySet<string> = new Set([
  ...["DeviceBecameActive", "DeviceBecameInactive"],
  ...["SnapshotStarted", "SnapshotStopped", "SnapshotFailed"],
  ...["InferenceStreamStarted", "InferenceStreamStopped", "InferenceStreamFailed"],
  ...["InferenceRecordFailed", "ModelUpdated", "ModelUpdateFailed"],
  ...["SampleStored", "SamplingQueued", "SamplingSent", "SamplingAccepted", "SamplingStarted"],
  ...["SamplingProcessing", "SamplingReading", "SamplingUploading", "SamplingFinished", "SamplingArrived"],
  ...["DesiredChanged", "ReportedChanged", "TagsChanged"],
  ...["TunnelRequested", "TunnelOpened", "TunnelClosed"],
  ...["StreamMessageCompleted", "StreamBatchCompleted"],
  ...["SamplingRefused", "SamplingFailed", "SamplingTimedOut", "SamplingCancelled"],
]);

/** Whether nobody but the platform may publish an event of that name. */
export function isReserved(name: string): boolean {
  return RESERVED.has(name);
}

/** The name of an event that anybody may publish, as it is. Raises InvalidEvent with the field. */
export function publishableName(name: string, field: string): string {
  if (isReserved(name)) throw new InvalidEvent(field, `must not be ${name}: that is the platform's to say`);
  return inBytes(name, field);
}
