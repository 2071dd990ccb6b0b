export { decodeDataRecord, InvalidWaveform } from "./data-record.js";
export type { About, Axis, PlaceInTime, Summary, Waveform } from "./waveform.js";
export { waveformCsv } from "./waveform-csv.js";
export { waveformJson } from "./waveform-json.js";
export { waveformSvg } from "./waveform-svg.js";
