// A real OpenSSH sshd for tests, in namespaces of its own, with users that exist only there.
// The machine's accounts, its /run and its sshd stay untouched: /etc/passwd, /etc/group and
// /etc/shadow are private copies in the sshd's mount namespace. All of it ends with `stop()`, and
// with the process that started it. With `inside`, it joins the network and files of a lab; the
// users then exist in all of that lab, because its libvirtd looks up who connects.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

export interface SshdUser {
  name: string;
  groups?: readonly string[]; // made when the machine does not have them
  shell?: string;
  authorizedKeys: readonly string[]; // whole lines, options included
}

export interface SshdOptions {
  users: readonly SshdUser[];
  config?: Readonly<Record<string, string>>; // more of sshd_config; it wins over the defaults
  port?: number;
  address?: string; // that it listens on
  inside?: number; // a process whose network, mount and pid namespaces it joins, such as a lab's
  ownNetwork?: boolean; // a network namespace of its own, with only `lo` up
  productUuid?: string; // what /sys/class/dmi/id/product_uuid says there
  libvirtDir?: string; // shown there as /run/libvirt
  hide?: readonly string[]; // programs that are not there
}

export interface PrivateSshd {
  port: number;
  address: string;
  hostKey: string; // public key line
  pid: number; // the first process of its namespaces, as numbered here
  dir: string;
  log(): string;
  // A connection to it that does not need its address to be reachable from here.
  dial(): Promise<Duplex>;
  // Runs a program in its namespaces as root.
  exec(argv: readonly string[]): string;
  stop(): Promise<void>;
}

export function canStartSshd(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  try {
    execFileSync('unshare', ['--mount', '--pid', '--fork', 'true'], { stdio: 'ignore' });
    readFileSync(SSHD);
    return undefined;
  } catch {
    return 'needs openssh-server and the right to make namespaces';
  }
}

const SSHD = '/usr/sbin/sshd';
const START_TIMEOUT_MS = 15_000;
const FIRST_ID = 61_000;

export async function startSshd(options: SshdOptions): Promise<PrivateSshd> {
  const dir = mkdtempSync(join(tmpdir(), 'sshd-'));
  chmodSync(dir, 0o755);
  const hostKeyFile = join(dir, 'host_key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', hostKeyFile]);
  const address = options.address ?? '127.0.0.1';
  const port = options.port ?? (await freePort());
  const base = options.inside === undefined ? '' : `/proc/${options.inside}/root`;
  writeAccounts(dir, base, options.users);
  writeFileSync(join(dir, 'sshd_config'), sshdConfig(dir, address, port, options.config ?? {}));
  writeFileSync(join(dir, 'start.sh'), startScript(dir, options));
  if (options.productUuid) writeFileSync(join(dir, 'product_uuid'), `${options.productUuid}\n`);
  if (options.inside !== undefined) inLab(options.inside, bindAccounts(dir));
  const child = launch(dir, options);
  const log = () => readFileSync(join(dir, 'log'), 'utf8');
  let pid = 0;
  try {
    pid = await listening(child, log);
  } catch (error) {
    await stop(child, dir, options.inside);
    throw error;
  }
  const enter = ['-t', String(pid), '-n', '-m', '-p', '--'];
  return {
    port,
    address,
    hostKey: readFileSync(`${hostKeyFile}.pub`, 'utf8').trim(),
    pid,
    dir,
    log,
    dial: async () => relay(pid, address, port),
    exec: (argv) => execFileSync('nsenter', [...enter, ...argv]).toString(),
    stop: () => stop(child, dir, options.inside),
  };
}

const RELAY = `const socket = require('node:net').connect(Number(process.argv[2]), process.argv[1]);
socket.setNoDelay(true);
process.stdin.pipe(socket).pipe(process.stdout);
socket.on('error', () => {}).on('close', () => process.exit());`;

// A Duplex through a program that stands in the sshd's network namespace.
function relay(pid: number, address: string, port: number): Duplex {
  const node = [process.execPath, '-e', RELAY, '--', address, String(port)];
  const argv = ['-t', String(pid), '-n', ...node];
  const child = spawn('nsenter', argv, { stdio: ['pipe', 'pipe', 'ignore'] });
  const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
  child.stdin.on('error', () => {});
  stream.once('close', () => child.kill('SIGKILL'));
  return stream;
}

const ACCOUNT_FILES = ['passwd', 'group', 'shadow'];

function bindAccounts(dir: string): string {
  return ACCOUNT_FILES.map((file) => `mount --bind ${dir}/${file} /etc/${file}`).join(' && ');
}

function inLab(pid: number, script: string): void {
  execFileSync('nsenter', ['-t', String(pid), '-m', '-p', '--', 'sh', '-c', script]);
}

function writeAccounts(dir: string, base: string, users: readonly SshdUser[]): void {
  const passwd = [readFileSync(`${base}/etc/passwd`, 'utf8').trimEnd()];
  const shadow = [readFileSync(`${base}/etc/shadow`, 'utf8').trimEnd()];
  let groups = readFileSync(`${base}/etc/group`, 'utf8').trimEnd().split('\n');
  const taken = passwd[0]?.match(/:61\d{3}:61\d{3}:/g)?.length ?? 0;
  users.forEach((user, index) => {
    const id = FIRST_ID + taken + index;
    const home = user.name === 'root' ? '/root' : join(dir, `home-${user.name}`);
    mkdirSync(join(dir, 'keys'), { recursive: true });
    writeFileSync(join(dir, 'keys', user.name), `${user.authorizedKeys.join('\n')}\n`);
    if (user.name === 'root') return;
    mkdirSync(home);
    execFileSync('chown', [`${id}:${id}`, home]);
    passwd.push(`${user.name}:x:${id}:${id}::${home}:${user.shell ?? '/bin/bash'}`);
    // "*" has no password; "!" would be a locked account, which sshd refuses without PAM.
    shadow.push(`${user.name}:*:19000:0:99999:7:::`);
    groups.push(`${user.name}:x:${id}:`);
    for (const group of user.groups ?? []) groups = withMember(groups, group, user.name);
  });
  writeFileSync(join(dir, 'passwd'), `${passwd.join('\n')}\n`);
  writeFileSync(join(dir, 'shadow'), `${shadow.join('\n')}\n`, { mode: 0o600 });
  writeFileSync(join(dir, 'group'), `${groups.join('\n')}\n`);
}

function withMember(groups: string[], group: string, user: string): string[] {
  if (!groups.some((line) => line.startsWith(`${group}:`))) {
    return [...groups, `${group}:x:${FIRST_ID + 900 + groups.length}:${user}`];
  }
  return groups.map((line) => {
    if (!line.startsWith(`${group}:`)) return line;
    return line.endsWith(':') ? `${line}${user}` : `${line},${user}`;
  });
}

function sshdConfig(
  dir: string,
  address: string,
  port: number,
  more: Readonly<Record<string, string>>,
): string {
  const settings: Record<string, string> = {
    ListenAddress: address,
    Port: String(port),
    HostKey: join(dir, 'host_key'),
    AuthorizedKeysFile: join(dir, 'keys', '%u'),
    PidFile: 'none',
    UsePAM: 'no',
    StrictModes: 'no',
    PasswordAuthentication: 'no',
    KbdInteractiveAuthentication: 'no',
    PermitRootLogin: 'prohibit-password',
    UseDNS: 'no',
    LogLevel: 'VERBOSE',
    MaxStartups: '100',
    ...more,
  };
  return `${Object.entries(settings)
    .map(([key, value]) => `${key} ${value}`)
    .join('\n')}\n`;
}

// Runs as the first process of the new namespaces, and becomes the sshd.
function startScript(dir: string, options: SshdOptions): string {
  const uuid = [
    'if [ -d /sys/class/dmi/id ]; then',
    `  mount --bind ${dir}/product_uuid /sys/class/dmi/id/product_uuid`,
    'else',
    '  mount -t tmpfs none /sys/class && mkdir -p /sys/class/dmi/id',
    `  cp ${dir}/product_uuid /sys/class/dmi/id/ && chmod 400 /sys/class/dmi/id/product_uuid`,
    'fi',
  ];
  return [
    'set -e',
    'mount --make-rprivate /',
    ...(options.inside === undefined
      ? [bindAccounts(dir), 'mount -t tmpfs -o mode=755 none /run']
      : []),
    'mkdir -p /run/sshd',
    ...(options.ownNetwork === true ? ['ip link set lo up'] : []),
    ...(options.productUuid === undefined ? [] : uuid),
    ...(options.libvirtDir === undefined
      ? []
      : ['mkdir -p /run/libvirt', `mount --bind '${options.libvirtDir}' /run/libvirt`]),
    ...(options.hide ?? []).map(
      (program) => `if [ -e ${program} ]; then mount --bind /dev/null ${program}; fi`,
    ),
    `exec ${SSHD} -D -e -f ${dir}/sshd_config`,
    '',
  ].join('\n');
}

function launch(dir: string, options: SshdOptions): ChildProcess {
  writeFileSync(join(dir, 'log'), '');
  const enter =
    options.inside === undefined
      ? []
      : ['nsenter', '-t', String(options.inside), '-n', '-m', '-p', '--'];
  const network = options.ownNetwork === true ? ['--net'] : [];
  // The first process of the namespaces lives as long as its standard input is open, which is
  // until `stop()` or the end of our process, however that ends; all else there ends with it.
  const first = `trap 'exit 0' TERM
(sh ${dir}/start.sh; echo "sshd ended with $?") >>${dir}/log 2>&1 &
cat >/dev/null`;
  const unshare = ['unshare', '--mount', '--pid', ...network, '--fork', '--kill-child'];
  const argv = [...enter, ...unshare, '--mount-proc', 'sh', '-c', first];
  return spawn(argv[0] ?? '', argv.slice(1), { stdio: ['pipe', 'ignore', 'ignore'] });
}

// Waits until it listens; returns the first process of its namespaces, as numbered here.
async function listening(child: ChildProcess, log: () => string): Promise<number> {
  const until = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < until && !log().includes('sshd ended')) {
    const pid = firstProcess(child.pid);
    if (pid !== undefined && log().includes('Server listening on')) return pid;
    await sleep(10);
  }
  throw new Error(`the private sshd did not start: ${log()}`);
}

function firstProcess(pid: number | undefined): number | undefined {
  try {
    if (pid === undefined) return undefined;
    if (readFileSync(`/proc/${pid}/comm`, 'utf8') === 'sh\n') return pid;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return firstProcess(children === '' ? undefined : Number(children.split(' ')[0]));
  } catch {
    return undefined;
  }
}

async function stop(child: ChildProcess, dir: string, inside: number | undefined): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
    child.stdin?.end();
    await ended;
    clearTimeout(timer);
  }
  try {
    const undo = ACCOUNT_FILES.map((file) => `umount -l /etc/${file}`).join('; ');
    if (inside !== undefined) inLab(inside, undo);
  } catch {
    // The lab has ended before, and all its mounts with it.
  }
  rmSync(dir, { recursive: true, force: true });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
