// Flag bits and selector numbers of the calls, named. Combine with `|`.

export const DomainList = {
  active: 1,
  inactive: 2,
  persistent: 4,
  transient: 8,
  running: 16,
  paused: 32,
  shutoff: 64,
} as const;
/** Bits 1 and 2 are the other way round than for domains. */
export const NetworkList = { inactive: 1, active: 2, persistent: 4, transient: 8 } as const;
export const PoolList = NetworkList;
export const DomainCreate = { paused: 1, autodestroy: 2, bypassCache: 4, forceBoot: 8 } as const;
export const DomainDefine = { validate: 1 } as const;
export const DomainUndefine = {
  managedSave: 1,
  snapshotsMetadata: 2,
  nvram: 4,
  keepNvram: 8,
  checkpointsMetadata: 16,
  tpm: 32,
} as const;
export const DomainDestroy = { graceful: 1, removeLogs: 2 } as const;
export const DomainShutdown = { driverChoice: 0, acpi: 1, agent: 2 } as const;
export const DomainXml = { secure: 1, inactive: 2, updateCpu: 4, migratable: 8 } as const;
/** What a change of a domain or network affects. */
export const Affect = { current: 0, live: 1, config: 2, liveAndConfig: 3 } as const;
export const MetadataType = { description: 0, title: 1, element: 2 } as const;
export const AddressSource = { lease: 0, agent: 1, arp: 2 } as const;
/** Only `state` never talks to QEMU, so only it cannot hang. */
export const DomainStats = {
  state: 1,
  cpuTotal: 2,
  balloon: 4,
  vcpu: 8,
  interface: 16,
  block: 32,
} as const;
/** To be combined with the bits of DomainList. */
export const DomainStatsFlag = { noWait: 0x20000000 } as const;
export const GuestInfo = {
  users: 1,
  os: 2,
  timezone: 4,
  hostname: 8,
  filesystem: 16,
  disks: 32,
  interfaces: 64,
} as const;
export const NetworkXml = { inactive: 1 } as const;
export const NetworkUpdateCommand = { modify: 1, delete: 2, addLast: 3, addFirst: 4 } as const;
export const NetworkUpdateSection = {
  bridge: 1,
  domain: 2,
  ip: 3,
  ipDhcpHost: 4,
  ipDhcpRange: 5,
  forward: 6,
  forwardInterface: 7,
  forwardPf: 8,
  portgroup: 9,
  dnsHost: 10,
  dnsTxt: 11,
  dnsSrv: 12,
} as const;
export const PoolBuild = { new: 0, noOverwrite: 4, overwrite: 8 } as const;
export const PoolCreate = { normal: 0, withBuild: 1 } as const;
export const VolumeCreate = { preallocMetadata: 1, reflink: 2 } as const;
export const VolumeResize = { allocate: 1, delta: 2, shrink: 4 } as const;
export const Console = { force: 1, safe: 2 } as const;

/** Features that `supports` can ask for. */
export const Feature = { remoteEventCallback: 14, networkUpdateOrder: 16 } as const;
