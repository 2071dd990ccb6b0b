// A certificate for this machine, for who starts Fieldlog without one.
export { type CertificateFiles, localCertificate } from "./local-certificate.js";
export { localHosts } from "./local-hosts.js";
