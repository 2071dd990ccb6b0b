// The image's HEALTHCHECK: ends with 0 while the service answers at /healthz.
const { FIELDLOG_OPS_PORT: port = "9200" } = process.env;
const answer = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(2_500) }).catch(
  () => undefined,
);
process.exit(answer?.ok ? 0 : 1);
