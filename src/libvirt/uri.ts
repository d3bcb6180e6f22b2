// libvirt connection URIs: `driver[+transport]://[user@][host][:port]/path[?params]`, pure.
// Parsing tells what to dial and which name CONNECT_OPEN gets; dialing is not done here.
// A password in the URI is refused, because URIs end up in logs and conditions.

import { InvalidArgument } from './error.ts';

const transports = ['unix', 'ssh', 'tls', 'tcp', 'ext', 'libssh', 'libssh2'] as const;
export type Transport = (typeof transports)[number];

export interface LibvirtUri {
  readonly driver: string;
  readonly transport: Transport;
  readonly user: string | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly path: string;
  /** What CONNECT_OPEN is given: no transport, no host. */
  readonly name: string;
  /** The daemon's socket, on the far side for ssh. */
  readonly socket: string | undefined;
  readonly keyfile: string | undefined;
  readonly knownHosts: string | undefined;
  readonly knownHostsVerify: 'normal' | 'auto' | 'ignore';
  /** All parameters that are meant for the client, the named ones above included. */
  readonly params: ReadonlyMap<string, string>;
}

const clientParams: ReadonlySet<string> = new Set([
  'socket',
  'mode',
  'proxy',
  'netcat',
  'keyfile',
  'command',
  'no_verify',
  'no_tty',
  'known_hosts',
  'known_hosts_verify',
  'sshauth',
  'pkipath',
  'tls_priority',
  'name',
]);

export function parseLibvirtUri(text: string): LibvirtUri {
  if (!URL.canParse(text)) throw new InvalidArgument('not a libvirt URI');
  const url = new URL(text);
  if (!text.startsWith(`${url.protocol}//`)) throw new InvalidArgument('URI without //');
  if (url.password !== '') throw new InvalidArgument('a libvirt URI must not hold a password');
  const [driver = '', transportName, ...more] = url.protocol.slice(0, -1).split('+');
  if (driver === '' || more.length > 0) throw new InvalidArgument('URI without a driver');
  const host = decoded(url.hostname).replace(/^\[(.*)\]$/, '$1') || undefined;
  const transport = transportOf(transportName, host);
  if (transport !== 'unix' && transport !== 'ext' && host === undefined) {
    throw new InvalidArgument(`transport ${transport} needs a host`);
  }
  const { params, rest } = splitParams(url.searchParams);
  return {
    driver,
    transport,
    user: decoded(url.username) || undefined,
    host,
    port: url.port === '' ? undefined : Number(url.port),
    path: url.pathname,
    name: params.get('name') ?? `${driver}://${url.pathname || '/'}${rest}`,
    socket: params.get('socket'),
    keyfile: params.get('keyfile'),
    knownHosts: params.get('known_hosts'),
    knownHostsVerify: verifyOf(params),
    params,
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    throw new InvalidArgument('URI with a broken percent escape', { cause });
  }
}

function transportOf(name: string | undefined, host: string | undefined): Transport {
  if (name === undefined) return host === undefined ? 'unix' : 'tls';
  const transport = transports.find((known) => known === name);
  if (transport === undefined) throw new InvalidArgument(`unknown transport ${name}`);
  return transport;
}

function splitParams(all: URLSearchParams): { params: Map<string, string>; rest: string } {
  const params = new Map<string, string>();
  const rest = new URLSearchParams();
  for (const [key, value] of all) {
    if (clientParams.has(key)) params.set(key, value);
    else rest.append(key, value);
  }
  return { params, rest: rest.size === 0 ? '' : `?${rest}` };
}

function verifyOf(params: ReadonlyMap<string, string>): LibvirtUri['knownHostsVerify'] {
  const value = params.get('known_hosts_verify') ?? 'normal';
  if (value !== 'normal' && value !== 'auto' && value !== 'ignore') {
    throw new InvalidArgument(`known_hosts_verify=${value}`);
  }
  const off = params.get('no_verify');
  return off !== undefined && off !== '0' ? 'ignore' : value;
}

/** Where the daemon may listen, to be tried in order. `runtimeDirectory` is for session URIs. */
export function socketCandidates(uri: LibvirtUri, runtimeDirectory?: string): readonly string[] {
  if (uri.socket !== undefined) return [uri.socket];
  const session = uri.path === '/session' && runtimeDirectory !== undefined;
  const directory = session ? `${runtimeDirectory}/libvirt` : '/run/libvirt';
  const modular = `${directory}/virt${uri.driver}d-sock`;
  const monolithic = `${directory}/libvirt-sock`;
  switch (uri.params.get('mode') ?? 'auto') {
    case 'legacy':
      return [monolithic];
    case 'direct':
      return [modular];
    default:
      return uri.driver === 'test' ? [monolithic] : [modular, monolithic];
  }
}
