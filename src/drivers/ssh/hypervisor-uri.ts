// Reads a libvirt connection URI that goes over SSH, as virsh takes it:
// `qemu+ssh://user@host[:port]/system?socket=…`. Pure text work; only what this driver honours is
// accepted, and a host or user that could be taken for an option is refused.

import { SshTargetInvalid } from './error.ts';

export interface HypervisorTarget {
  host: string;
  port: number;
  user: string;
  connectUri: string; // what libvirt on the other side is asked for: qemu:///system
  socket?: string;
  keyFile?: string;
  knownHostsFile?: string;
}

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}$/;
const IPV6 = /^\[[0-9A-Fa-f:.]+\]$/;
const PARAMETERS = ['socket', 'keyfile', 'known_hosts'];

export function parseHypervisorUri(uri: string): HypervisorTarget {
  const invalid = (reason: string) => new SshTargetInvalid(uri, reason);
  const match = /^([a-z][a-z0-9]*)\+ssh:\/\/([^/?#]*)(\/[^?#]*)?(\?[^#]*)?$/.exec(uri);
  if (match === null) throw invalid('it is not of the form driver+ssh://user@host/path');
  const [, driver = '', authority = '', path = '/', query = ''] = match;
  const at = authority.lastIndexOf('@');
  const user = at === -1 ? '' : authority.slice(0, at);
  if (user === '') throw invalid('it names no user');
  if (!NAME.test(user)) throw invalid('its user is not a plain user name');
  const [, host = '', portText] =
    /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(authority.slice(at + 1)) ?? [];
  if (!NAME.test(host) && !IPV6.test(host)) throw invalid('its host is not a host name or address');
  const port = portText === undefined ? 22 : Number(portText);
  if (portText !== undefined && (!/^\d{1,5}$/.test(portText) || port < 1 || port > 65_535)) {
    throw invalid('its port is not a number from 1 to 65535');
  }
  if (!/^\/[A-Za-z0-9_./-]*$/.test(path)) throw invalid('its path has unusual characters');
  return {
    host: host.replace(/^\[|\]$/g, ''),
    port,
    user,
    connectUri: `${driver}://${path}`,
    ...parameters(query, invalid),
  };
}

function parameters(
  query: string,
  invalid: (reason: string) => SshTargetInvalid,
): Pick<HypervisorTarget, 'socket' | 'keyFile' | 'knownHostsFile'> {
  const values = new URLSearchParams(query);
  for (const [name, value] of values) {
    if (!PARAMETERS.includes(name)) {
      throw invalid(`parameter ${name} is not known (known: ${PARAMETERS.join(', ')})`);
    }
    if (!value.startsWith('/') || value.includes('\0')) {
      throw invalid(`parameter ${name} is not an absolute path`);
    }
  }
  const socket = values.get('socket');
  const keyFile = values.get('keyfile');
  const knownHostsFile = values.get('known_hosts');
  return {
    ...(socket === null ? {} : { socket }),
    ...(keyFile === null ? {} : { keyFile }),
    ...(knownHostsFile === null ? {} : { knownHostsFile }),
  };
}
