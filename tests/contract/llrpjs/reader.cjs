// A reader made with llrpjs (npm, MIT): its encoder and decoder, its server; the little behaviour there is, is here.
// Usage: node reader.cjs. One JSON object per line on stdout for each thing that happens.
// Its server handles one message per TCP segment and refuses nobody; both is llrpjs.
const { LLRPCore, LLRPServer } = require("llrpjs");

const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const reader = new LLRPServer({ host: "127.0.0.1", port: 0 });
const ok = { LLRPStatus: { StatusCode: "M_Success", ErrorDescription: "" } };
const now = () => ({ UTCTimestamp: { Microseconds: new Date() } });
let timers = [];
let rospec = null;

const stop = () => {
  timers.forEach(clearInterval);
  timers = [];
};
const send = (message) => reader.send(message).catch((error) => say({ error: String(error) }));
const answer = (request, data = ok) =>
  send(new LLRPCore[request.getName() + "_RESPONSE"]({ id: request.getMessageId(), data }));

reader.on("error", (error) => say({ error: String(error) }));
reader.on("disconnect", () => { stop(); rospec = null; say({ event: "disconnect" }); });
reader.on("connection", () => {
  say({ event: "connection" });
  const data = { ReaderEventNotificationData: { ...now(), ConnectionAttemptEvent: { Status: "Success" } } };
  send(new LLRPCore.READER_EVENT_NOTIFICATION({ id: 1, data }));
});
reader.on("message", (message) => say({ message: message.getName(), data: message.toLLRPData().data }));

reader.on("GET_READER_CAPABILITIES", (request) => answer(request, {
  ...ok,
  GeneralDeviceCapabilities: {
    MaxNumberOfAntennaSupported: 2, CanSetAntennaProperties: 0, HasUTCClockCapability: 1,
    DeviceManufacturerName: 26554, ModelName: 7, ReaderFirmwareVersion: "llrpjs",
    ReceiveSensitivityTableEntry: { Index: 1, ReceiveSensitivityValue: 0 },
    GPIOCapabilities: { NumGPIs: 2, NumGPOs: 2 },
    PerAntennaAirProtocol: [1, 2].map((n) => ({ AntennaID: n, ProtocolID: ["EPCGlobalClass1Gen2"] })),
  },
  LLRPCapabilities: {
    CanDoRFSurvey: 0, CanReportBufferFillWarning: 0, SupportsClientRequestOpSpec: 0,
    CanDoTagInventoryStateAwareSingulation: 0, SupportsEventAndReportHolding: 0, MaxNumPriorityLevelsSupported: 1,
    ClientRequestOpSpecTimeout: 0, MaxNumROSpecs: 1, MaxNumSpecsPerROSpec: 1,
    MaxNumInventoryParameterSpecsPerAISpec: 1, MaxNumAccessSpecs: 1, MaxNumOpSpecsPerAccessSpec: 1,
  },
}));
reader.on("GET_READER_CONFIG", (request) => answer(request));
reader.on("GET_ROSPECS", (request) => answer(request));
reader.on("SET_READER_CONFIG", (request) => {
  const keepalive = request.toLLRPData().data.KeepaliveSpec;
  if (keepalive && keepalive.KeepaliveTriggerType === "Periodic") {
    timers.push(setInterval(() => send(new LLRPCore.KEEPALIVE({ id: 9 })), keepalive.PeriodicTriggerValue));
  }
  answer(request);
});
reader.on("DELETE_ROSPEC", (request) => answer(request));
reader.on("ADD_ROSPEC", (request) => {
  rospec = request.toLLRPData().data.ROSpec;
  answer(request);
});
reader.on("ENABLE_ROSPEC", (request) => answer(request));
reader.on("START_ROSPEC", (request) => {
  answer(request);
  const epcs = [
    { EPC_96: { EPC: "3034257bf7194e4000001a85" } },
    { EPCData: { EPC: [0xe2, 0x00, 0x17, 0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34] } },
  ];
  let count = 0;
  timers.push(setInterval(() => send(new LLRPCore.RO_ACCESS_REPORT({
    id: 100 + count++,
    data: {
      TagReportData: epcs.map((epc, index) => ({
        ...epc,
        ROSpecID: { ROSpecID: rospec.ROSpecID },
        AntennaID: { AntennaID: index + 1 },
        PeakRSSI: { PeakRSSI: -50 - index },
        ChannelIndex: { ChannelIndex: 3 },
        FirstSeenTimestampUTC: { Microseconds: new Date() },
        LastSeenTimestampUTC: { Microseconds: new Date() },
        TagSeenCount: { TagCount: 2 },
      })),
    },
  })), 20));
});
reader.on("CLOSE_CONNECTION", async (request) => {
  stop();
  await answer(request);
  await reader.disconnect();
});

reader.listen();
reader._server.on("listening", () => say({ event: "listening", port: reader._server.address().port }));
