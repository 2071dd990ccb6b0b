/** Nothing grows without a bound; this is the one place where the bounds' defaults stand. */
export const limits = Object.freeze({
  /** Bytes of one signal as stored; larger data goes through an offer. */
  signalBytes: 256 * 1024,
  /** Signals in one commit; also the width of the index in a position. Not to be changed. */
  signalsPerCommit: 4096,
  /** Bytes of one commit. */
  commitBytes: 512 * 1024,
  /** Bytes that wait for the log per namespace; beyond it an edge answers 503. */
  queuedBytesPerNamespace: 32 * 1024 * 1024,
  /** Signals that wait for the log per namespace. */
  queuedSignalsPerNamespace: 100_000,
  /** Milliseconds for which a commit is retried before its senders are told that it failed. */
  appendTimeoutMs: 5_000,
  /** Times that a decision is taken again after another writer won. */
  decideAttempts: 8,
  /** Bytes of one HTTP request body. */
  bodyBytes: 512 * 1024,
  /** Milliseconds within which a whole HTTP request must have arrived. */
  requestMs: 15_000,
  /** Connections that one HTTP listener holds at once; one more is closed at once. */
  connections: 20_000,
  /** Bytes of the headers of one HTTP request. */
  headerBytes: 16 * 1024,
  /** Milliseconds that an HTTP connection is kept open without a request. */
  idleConnectionMs: 75_000,
  /** Requests per second that one device or API key may send, sustained, and how many at once. */
  requestsPerSecond: 5_000,
  requestBurst: 10_000,
  /** Log-ins and new users per second that an edge takes from one address, sustained, and how many at once. */
  loginsPerSecond: 1,
  loginBurst: 60,
  /** Queries per second that an edge answers to whoever asks, without a signature, sustained, and how many at once. */
  openQueriesPerSecond: 200,
  openQueryBurst: 1_000,
  /** Sensors of one device, removed ones included. */
  sensorsPerDevice: 1_024,
  /** Readings in one event, those of other sensors included. */
  readingsPerEvent: 1_024,
  /** Key-value properties of one device. */
  propertiesPerDevice: 256,
  /** Characters of one name, description or other text that a device sends. */
  textLength: 1_024,
  /** Milliseconds that a signed message's date may differ from the server's clock. */
  signatureWindowMs: 15 * 60_000,
  /** Message ids below the highest one that an edge tells apart per device. */
  replayWindowIds: 64,
  /** Requests with a modern signature whose answers an edge remembers. */
  signedRequests: 100_000,
  /** Devices whose recent message ids an edge remembers. */
  replayDevices: 200_000,
  /** Devices whose credential and sensors an edge keeps. */
  cachedDevices: 200_000,
  /** Devices of different namespaces among which one is looked for that logs in by its id alone. */
  devicesOfOneId: 16,
  /** API keys and namespaces that an edge keeps. */
  cachedKeys: 10_000,
  /** Namespaces of an installation, and of them those that one user made. */
  namespaces: 10_000,
  namespacesPerOwner: 100,
  /** API keys of one namespace (and of the operator), revoked and expired ones included. */
  apiKeysPerNamespace: 10_000,
  /** Characters of an id that others gave: of a device, a namespace. */
  idLength: 200,
  /** MQTT connections of one edge; one more is refused. */
  mqttConnections: 50_000,
  /** Bytes of one MQTT packet: a payload of {@link signalBytes}, its topic and its properties. */
  mqttPacketBytes: 288 * 1024,
  /** Milliseconds within which CONNECT must have arrived. */
  mqttConnectMs: 10_000,
  /** Seconds of the longest keep alive; a client that asks for more, or for none, is given this one. */
  mqttKeepAliveS: 3_600,
  /** Publishes with QoS above 0 that a client may have unacknowledged (MQTT 5 receive maximum), and that it is sent. */
  mqttInFlight: 1_024,
  /** Topic aliases of one connection, each way. */
  mqttTopicAliases: 32,
  /** Bytes that wait in a connection's socket before its session waits too. */
  mqttSocketBytes: 256 * 1024,
  /** Bytes of a topic or of a topic filter, and levels in it. */
  mqttTopicBytes: 1_024,
  mqttTopicLevels: 32,
  /** Bytes of a client id, a user name or a password. */
  mqttLoginBytes: 1_024,
  /** Subscriptions of one session. */
  mqttSubscriptions: 1_024,
  /** User properties of one message. */
  mqttUserProperties: 64,
  /** Seconds that a session outlives its connection at most. */
  mqttSessionS: 30 * 86_400,
  /** Sessions of one namespace that outlive their connections. */
  mqttSessions: 200_000,
  /** Rejections of one device that are written to its log in a minute; more are counted into the next. */
  rejectionsPerMinute: 10,
  /** Bytes of one configuration, as JSON. */
  configurationBytes: 128 * 1024,
  /** Objects and arrays in each other in one configuration. */
  configurationDepth: 64,
  /** Revisions of one device's configuration. */
  configurationsPerDevice: 10_000,
  /** Measurements or log entries in one message, and attributes of one measurement. */
  elementsPerMessage: 4_096,
  attributesPerMeasurement: 256,
  /** Members of one namespace. */
  membersPerNamespace: 1_000,
  /** Users of an installation. */
  users: 100_000,
  /** Wrong passwords for one user name that a replica takes within {@link wrongPasswordsMs}. */
  wrongPasswords: 10,
  wrongPasswordsMs: 5 * 60_000,
  /** Passwords that a replica hashes at once, 64 MiB each, and how many wait for it; one more is refused. */
  passwordsHashed: 2,
  passwordsWaiting: 32,
  /** Milliseconds that a person stays logged in. */
  sessionMs: 30 * 86_400_000,
  /** Events in one request that publishes several. */
  eventsPerRequest: 1_000,
  /** Objects and arrays in each other in an event's data. */
  eventDataDepth: 64,
  /** CloudEvents extension attributes of one event. */
  extensionsPerEvent: 32,
  /** Filters of one subscription, and values and conditions in one filter. */
  filtersPerSubscription: 16,
  valuesPerFilter: 256,
  /** Subscriptions of one device or API key, and of one namespace. */
  subscriptionsPerOwner: 1_000,
  subscriptionsPerNamespace: 100_000,
  /** WebSocket connections of one edge; one more is refused. */
  webSocketConnections: 20_000,
  /** Milliseconds within which a WebSocket client must have said what it subscribes to. */
  webSocketHelloMs: 10_000,
  /** Bytes that wait in a subscriber's socket before its cursor waits too. */
  subscriberSocketBytes: 256 * 1024,
  /** Events that a subscriber may have been sent without credit or acknowledgement in return. */
  subscriberCredit: 65_536,
  /** Streams of server-sent events of one edge. */
  eventStreams: 10_000,
  /** Events in one webhook request, bytes of its answer that are read, and milliseconds that it may take. */
  webhookBatch: 100,
  webhookAnswerBytes: 4 * 1024,
  webhookMs: 15_000,
  /** Milliseconds that a query for events waits at most until there are some. */
  pollWaitMs: 30_000,
  /** Seconds within which a heartbeat is expected, after which a device is inactive, and the longest that may be set. */
  heartbeatS: 600,
  inactiveAfterS: 1_800,
  longestInactiveS: 30 * 86_400,
  /** Devices that one process keeps the liveness of. */
  livenessDevices: 4_000_000,
  /** Data requests of one namespace that are open at once, points of one, and the longest that one may last. */
  openRequests: 1_000,
  requestPoints: 64,
  dataRequestMs: 366 * 86_400_000,
  /** Data requests in one heartbeat's answer; more follow in the next. */
  requestsPerHeartbeat: 64,
  /** Offers in one message. */
  offersPerMessage: 64,
  /** Bytes of one upload, unless the namespace says otherwise, and milliseconds that an upload URL is good for. */
  uploadBytes: 64 * 1024 * 1024,
  uploadMs: 60 * 60_000,
  /** Uploads that one edge takes in at once; one more is asked to come again. */
  uploads: 256,
  /** Milliseconds that an upload, or the download of a reading, may go on without a byte. */
  uploadIdleMs: 30_000,
  /** Bytes of one object part: what is kept of an upload that was cut off is whole parts. */
  uploadPartBytes: 8 * 1024 * 1024,
  /** Bytes of a reading that is decoded for a person: JSON, CSV, a plot. */
  waveformBytes: 16 * 1024 * 1024,
  /** Bytes of all readings that one edge decodes at once; one more is asked to come again. */
  waveformsBytes: 64 * 1024 * 1024,
  /** Remote management: milliseconds within which a device says who it is; some ask a person first. */
  remoteHelloMs: 60_000,
  /** Bytes of a frame from a device: a picture or a record in base64, and of one before it said who it is. */
  remoteFrameBytes: 8 * 1024 * 1024,
  remoteHelloBytes: 64 * 1024,
  /** Bytes of a frame to a device that speaks CBOR: firmware has no room for more. */
  remoteFirmwareBytes: 512,
  /** Milliseconds between two pings of ours; after two without an answer the device is gone. */
  remotePingMs: 20_000,
  /** Milliseconds between two heartbeats that are written for a connected device. */
  remoteHeartbeatMs: 300_000,
  /** Sensors of one hello, and frequencies of one sensor. */
  remoteSensors: 64,
  remoteFrequencies: 64,
  /** Milliseconds after which a wish to see what a device sees has to be renewed, and after which it is over. */
  remoteWishMs: 5_000,
  remoteWishEndsMs: 15_000,
  /** Those who look at the pictures of one edge's devices at once, and bytes of one picture: what one NATS message takes. */
  viewers: 2_000,
  pictureBytes: 1_000 * 1024,
  /** Edges and others whose wishes to see what a device sees are remembered at once. */
  wishes: 1_000,
  /** Milliseconds that a token to see what a device sees is good for, unless it is asked for otherwise, and at most. */
  viewTokenMs: 60 * 60_000,
  longestViewTokenMs: 30 * 86_400_000,
  /** Records of inference that a device is asked for at once, and that wait to be written for one device: so many, and bytes. */
  inferenceRecords: 10_000,
  inferenceWaiting: 64,
  inferenceWaitingBytes: 16 * 1024 * 1024,
  /** Characters of base64 of the raw data of a record of inference that stay in its event; more becomes a sample. */
  inferenceRawData: 128 * 1024,
  /** Milliseconds that a device may take to answer that it streams, and to load a new model. */
  remoteAnswerMs: 15_000,
  modelUpdateMs: 15 * 60_000,
  /** Samplings that wait for one device, and how long they do. */
  samplingsQueued: 100,
  samplingQueuedMs: 10 * 60_000,
  /** Milliseconds of the longest sampling. */
  samplingMs: 3_600_000,
  /** Milliseconds for a first sign of a device that was asked, and for the upload after it has finished. */
  samplingAnswerMs: 15_000,
  samplingUploadMs: 60_000,
  /**
   * Milliseconds after a sign until the next: so many, and the length so many times (boards read their memory out over
   * slow lines).
   */
  samplingSignMs: 62_000,
  samplingLengthTimes: 11,
  /** Bytes of an acquisition document that is read, of one file of training data, and files in one request. */
  acquisitionBytes: 32 * 1024 * 1024,
  sampleBytes: 100 * 1024 * 1024,
  /** Bytes of all acquisition documents that one edge holds at once; one more is asked to come again. */
  acquisitionsBytes: 128 * 1024 * 1024,
  samplesPerRequest: 1_000,
  /** Keys of a sample's metadata, and axes. */
  sampleMetadata: 64,
  sampleAxes: 256,
  /** Samples of one export. */
  samplesPerExport: 100_000,
  /** Keys of kind "hmac" of one namespace that are good. */
  hmacKeys: 100,
  /** Models of one namespace, and bytes of one. */
  models: 1_000,
  modelBytes: 512 * 1024 * 1024,
  /** Provisioning: tokens of one namespace, operations that wait in one, and the milliseconds that one does. */
  provisioningTokens: 1_000,
  provisioningOperations: 10_000,
  provisioningMs: 24 * 3_600_000,
  /** Wrong verification codes that one key (and one address, at one edge, of provisioning tokens) may try in a time. */
  wrongCodes: 10,
  wrongCodesMs: 5 * 60_000,
  /** Requests of one address to come in and to stay in: a rate, and as many at once. A fleet may share an address. */
  provisioningPerSecond: 100,
  provisioningBurst: 1_000,
  /** Addresses whose requests are counted, the newest. */
  provisioningAddresses: 10_000,
  /** Milliseconds that a refreshed registration token stays good, and those of what a device connects with. */
  registrationGraceMs: 24 * 3_600_000,
  connectionTokenMs: 3_600_000,
  /** Characters of the id of a provisioned device. */
  provisionedIdLeast: 4,
  provisionedIdMost: 90,
  /** Bytes of one device's desired, or reported, properties as JSON, of one text in them, levels, and tags of a device. */
  propertiesBytes: 32 * 1024,
  propertyTextBytes: 4 * 1024,
  propertyDepth: 10,
  tagsPerDevice: 64,
  /** Fleet templates of one namespace, and seconds in which a device is to take one: unless it says so, and at most. */
  fleetTemplates: 1_000,
  /** Conditions on reported properties in one. */
  fleetConditions: 16,
  fleetTakeWithinS: 24 * 3_600,
  fleetTakeWithinMostS: 365 * 24 * 3_600,
  /** Stream groups of one namespace, and streams of one group. */
  streamGroups: 1_000,
  streamsPerGroup: 1_000,
  /** Characters of a group's, stream's, batch's, slice's, message's or chunk's name. */
  streamNameLength: 200,
  /** Messages of one batch, chunks of one message, and bytes of one message once unpacked. */
  messagesPerBatch: 1_000_000,
  chunksPerMessage: 10_000,
  streamMessageBytes: 64 * 1024 * 1024,
  /** Bytes of a batch that is stored as one file; a larger one is put together whenever it is asked for. */
  streamBatchBytes: 4 * 1024 * 1024 * 1024,
  /** Milliseconds that a URL to the storage of streams is good for at most. */
  storageAccessMs: 24 * 60 * 60_000,
  /** Milliseconds after which an upload of which no message came is removed. */
  streamUploadUnusedMs: 24 * 60 * 60_000,
  /** Method calls that wait for one device, and milliseconds for its answer. */
  methodCalls: 50,
  methodMs: 30_000,
  /** Tunnels of one device, requested or open; those of one namespace that one edge holds, and all that it does. */
  tunnelsPerDevice: 16,
  tunnelsPerNamespace: 128,
  tunnels: 1_000,
  /** Milliseconds in which the URL of a tunnel has to be used, and that a tunnel lasts at most. */
  tunnelOpenMs: 60_000,
  tunnelMs: 12 * 3_600_000,
  /** Milliseconds that a tunnel stays without a byte; and the same once one side has nothing more to say. */
  tunnelIdleMs: 15 * 60_000,
  tunnelHalfIdleMs: 60_000,
  /** Bytes of one WebSocket message in a tunnel, and those each way that may be under way between two edges. */
  tunnelMessageBytes: 1024 * 1024,
  tunnelWindowBytes: 256 * 1024,
  /** Milliseconds that an edge says at the latest that its end is there, and without a word of which it is lost. */
  tunnelBeatMs: 5_000,
  tunnelLostMs: 20_000,
  /** Milliseconds that an edit token is good for. */
  editTokenMs: 30 * 60_000,
  /** Milliseconds that a signing secret which was rotated is good for. */
  rotatedSecretMs: 24 * 3_600_000,
  /** Rows of one page of a query. */
  pageRows: 1_000,
  /** Milliseconds that a query waits for its read model. */
  readYourWritesMs: 2_000,
  /** Milliseconds for an internal call. */
  rpcDeadlineMs: 5_000,
});
