export { Health, type HealthCheck, type HealthReport } from "./health.js";
export { type Hosted, hostModule } from "./host.js";
export { Lifecycle, type LifecyclePart, type LifecyclePhase } from "./lifecycle.js";
export { addressOf, BACKLOG, type Listening, listen } from "./listen.js";
export { createLogger, type Logger, nestLogger } from "./logger.js";
export {
  type Counter,
  counter,
  createMetrics,
  type Gauge,
  gauge,
  type Histogram,
  histogram,
  type Registry,
  SECONDS,
} from "./metrics.js";
export { answerOps, listenOps, type OpsAnswer, opsPaths } from "./ops.js";
export {
  type MqttPlace,
  ownWebSocketBase,
  type PublicBase,
  publicBase,
  publicMqtt,
  webSocketBase,
} from "./public-base.js";
export { runService, STOP_MS } from "./run-service.js";
export { createRuntime, type Runtime, type RuntimeOptions } from "./runtime.js";
export { ServerCertificate, type TlsOptions } from "./server-certificate.js";
export {
  describeSettings,
  need,
  readSettings,
  type Settings,
  SettingsError,
  withoutPassword,
} from "./settings.js";
export { edgeImpulsePorts, opsPorts, type Setting, settingsTable } from "./settings-table.js";
export {
  currentTraceParent,
  formatTraceParent,
  isTracing,
  noteSpan,
  parseTraceParent,
  startTracing,
  type Tracing,
  withTraceParent,
} from "./tracing.js";
