/**
 * The Debian packages that the project's commands need: which are missing, and installing them.
 * Root gets them installed; everybody else gets the exact command, and the process ends with 1.
 * The lists are debian-packages.txt and, for the tests, debian-test-packages.txt; nothing else
 * names a package.
 */

import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const LISTS = {
  run: ['debian-packages.txt'],
  test: ['debian-packages.txt', 'debian-test-packages.txt'],
};
export type Purpose = keyof typeof LISTS;

/** Names in a list file, comments and empty lines left out. */
export function parsePackageList(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '');
}

/** Which of the wanted packages are not installed, from `dpkg-query`'s listing of all packages. */
export function missingFrom(wanted: readonly string[], listing: string): string[] {
  const installed = new Set<string>();
  for (const line of listing.split('\n')) {
    const [name, status] = line.split(' ');
    if (name !== undefined && status === 'installed') installed.add(name);
  }
  return wanted.filter((name) => !installed.has(name));
}

export function installCommand(packages: readonly string[]): string {
  return `apt-get install --no-install-recommends --yes ${packages.join(' ')}`;
}

/** The missing packages of this machine; undefined where there is no dpkg to ask. */
export function missingPackages(purpose: Purpose = 'run'): string[] | undefined {
  const wanted = LISTS[purpose].flatMap((list) =>
    parsePackageList(readFileSync(new URL(list, import.meta.url), 'utf8')),
  );
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders.
  const format = '${Package} ${db:Status-Status}\\n';
  const query = spawnSync('dpkg-query', ['--show', '--showformat', format], { encoding: 'utf8' });
  if (query.error !== undefined || query.status !== 0) return undefined;
  return missingFrom(wanted, query.stdout);
}

/** Makes sure that the packages are there, or ends the process with what to type. */
export async function installPackages(
  say: (text: string) => void,
  purpose: Purpose = 'run',
): Promise<void> {
  const missing = missingPackages(purpose);
  if (missing === undefined) {
    say('Not a Debian: what the lists in scripts/ name must be there by other means.');
    return;
  }
  if (missing.length === 0) return;
  const command = installCommand(missing);
  if (process.getuid?.() !== 0) {
    process.stderr.write(`error: Debian packages are missing: ${missing.join(', ')}\n`);
    process.stderr.write(`next:  sudo sh -c 'apt-get update && ${command}'\n`);
    process.exit(1);
  }
  say(`Installing Debian packages: ${missing.join(' ')}`);
  // An archive that does not answer must not stop the others; the install tells what is lacking.
  await run(['apt-get', 'update', '--quiet']).catch(() =>
    say('apt-get update: not everything answered'),
  );
  await run(command.split(' '));
}

function run(argv: readonly string[]): Promise<void> {
  const [program = '', ...args] = argv;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${argv.join(' ')}: status ${code}`));
    });
  });
}
