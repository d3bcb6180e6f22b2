// libvirt's error numbers and our names for them (virterror.h, the part that a controller meets).
// The names are the stable `code` of a LibvirtError; a number that is not listed becomes
// `LIBVIRT_<number>`, so a newer daemon never breaks the mapping.

const names = {
  1: 'INTERNAL_ERROR',
  2: 'NO_MEMORY',
  3: 'NO_SUPPORT',
  5: 'NO_CONNECT',
  6: 'INVALID_CONN',
  7: 'INVALID_DOMAIN',
  8: 'INVALID_ARG',
  9: 'OPERATION_FAILED',
  20: 'NO_TARGET',
  27: 'XML_ERROR',
  28: 'DOM_EXIST',
  29: 'OPERATION_DENIED',
  35: 'XML_DETAIL',
  36: 'INVALID_NETWORK',
  37: 'NETWORK_EXIST',
  38: 'SYSTEM_ERROR',
  39: 'RPC',
  42: 'NO_DOMAIN',
  43: 'NO_NETWORK',
  45: 'AUTH_FAILED',
  46: 'INVALID_STORAGE_POOL',
  47: 'INVALID_STORAGE_VOL',
  49: 'NO_STORAGE_POOL',
  50: 'NO_STORAGE_VOL',
  55: 'OPERATION_INVALID',
  66: 'NO_SECRET',
  67: 'CONFIG_UNSUPPORTED',
  68: 'OPERATION_TIMEOUT',
  72: 'NO_DOMAIN_SNAPSHOT',
  74: 'ARGUMENT_UNSUPPORTED',
  75: 'STORAGE_PROBE_FAILED',
  76: 'STORAGE_POOL_BUILT',
  77: 'SNAPSHOT_REVERT_RISKY',
  78: 'OPERATION_ABORTED',
  79: 'AUTH_CANCELLED',
  80: 'NO_DOMAIN_METADATA',
  84: 'OPERATION_UNSUPPORTED',
  86: 'AGENT_UNRESPONSIVE',
  87: 'RESOURCE_BUSY',
  88: 'ACCESS_DENIED',
  90: 'STORAGE_VOL_EXIST',
  91: 'CPU_INCOMPATIBLE',
  92: 'XML_INVALID_SCHEMA',
  94: 'AUTH_UNAVAILABLE',
  97: 'AGENT_UNSYNCED',
  99: 'DEVICE_MISSING',
  108: 'NO_HOSTNAME',
  111: 'NO_NETWORK_METADATA',
  112: 'AGENT_COMMAND_TIMEOUT',
  113: 'AGENT_COMMAND_FAILED',
} as const;

export type LibvirtCode = (typeof names)[keyof typeof names] | `LIBVIRT_${number}`;

const byNumber: ReadonlyMap<number, LibvirtCode> = new Map(
  Object.entries(names).map(([number, name]) => [Number(number), name]),
);

export function libvirtCode(number: number): LibvirtCode {
  return byNumber.get(number) ?? `LIBVIRT_${number}`;
}
