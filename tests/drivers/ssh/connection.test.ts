// What a script's caller may rely on, against a well-behaved server.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { SshConnection } from '../../../src/drivers/ssh/connection.ts';
import { SshError } from '../../../src/drivers/ssh/error.ts';
import {
  connectOptions,
  type FakeServer,
  type FakeServerOptions,
  runInShell,
  startFakeServer,
} from './fake-server.ts';

async function withConnection(
  use: (connection: SshConnection, server: FakeServer) => Promise<void>,
  options: FakeServerOptions = {},
  extra: Parameters<typeof connectOptions>[1] = {},
): Promise<void> {
  const server = await startFakeServer(options);
  try {
    const connection = await SshConnection.connect(connectOptions(server, extra));
    await use(connection, server);
    await connection.close();
  } finally {
    await server.close();
  }
}

const code = (wanted: string, outcome?: string) => (error: unknown) =>
  error instanceof SshError &&
  error.code === wanted &&
  (outcome === undefined || error.outcome === outcome);

test('a script gives its output, its errors and its exit status', () =>
  withConnection(async (connection) => {
    const script = 'echo out; echo err >&2; exit 7';
    const result = await connection.run({ script, timeoutMs: 5_000 });
    assert.deepEqual(result, {
      exitCode: 7,
      signal: null,
      stdout: 'out\n',
      stderr: 'err\n',
      truncated: false,
    });
  }));

test('no part of the script is in the remote command line', () =>
  withConnection(async (connection, server) => {
    await connection.run({ script: 'key=s3cret; true', stdin: 'hidden', timeoutMs: 5_000 });
    assert.deepEqual(server.commands, ['/bin/sh -s']);
  }));

test('any bytes of input reach the script, and a command that reads gets them only', () =>
  withConnection(async (connection) => {
    const stdin = randomBytes(200_000);
    const script = 'cat | base64 -w0; cat; echo; echo after';
    const result = await connection.run({ script, stdin, timeoutMs: 5_000 });
    assert.equal(result.stdout, `${stdin.toString('base64')}\nafter\n`);
    const empty = await connection.run({ script: 'wc -c', stdin: '', timeoutMs: 5_000 });
    assert.equal(empty.stdout.trim(), '0');
  }));

test('a command in a script without input cannot eat the rest of the script', () =>
  withConnection(async (connection) => {
    const result = await connection.run({ script: 'cat; echo still here', timeoutMs: 5_000 });
    assert.equal(result.stdout, 'still here\n');
  }));

test('a script may hold here-documents, functions, comments and traps at its end', () =>
  withConnection(async (connection) => {
    const script = "f() {\n  cat <<'X'\n}\nX\n}\nf\ntrap 'echo bye' EXIT\nfalse # }";
    const result = await connection.run({ script, timeoutMs: 5_000 });
    assert.equal(result.stdout, '}\nbye\n');
    assert.equal(result.exitCode, 1);
  }));

test('a command that a signal ends has no exit status but the name of the signal', () =>
  withConnection(async (connection) => {
    const result = await connection.run({ script: 'kill -KILL $$', timeoutMs: 5_000 });
    assert.equal(result.exitCode, null);
    assert.equal(result.signal, 'SIGKILL');
  }));

test('exit status 255 is a status like any other', () =>
  withConnection(async (connection) => {
    assert.equal((await connection.run({ script: 'exit 255', timeoutMs: 5_000 })).exitCode, 255);
  }));

test('of a large output the beginning and the end are kept, and memory stays bounded', () =>
  withConnection(async (connection) => {
    const script = 'echo first; head -c 300000000 /dev/zero; echo; echo last';
    const before = process.memoryUsage().rss;
    let peak = 0;
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().rss - before);
    }, 20);
    const result = await connection.run({ script, timeoutMs: 60_000, maxOutputBytes: 10_000 });
    clearInterval(watch);
    assert.ok(result.truncated);
    assert.ok(result.stdout.startsWith('first\n'));
    assert.ok(result.stdout.endsWith('\nlast\n'));
    assert.ok(Buffer.byteLength(result.stdout) < 10_100, `${result.stdout.length}`);
    // The server is in this process too and buffers up to its window; the output is 300 MB.
    assert.ok(peak < 150e6, `${peak} bytes more`);
  }));

test('what a login script prints before is not part of the output', () =>
  withConnection(
    async (connection) => {
      const result = await connection.run({ script: 'echo "{}"', timeoutMs: 5_000 });
      assert.equal(result.stdout, '{}\n');
      assert.equal(result.stderr, '');
    },
    {
      onExec: (open, info) =>
        runInShell(open(), `printf '\\033[31mWelcome\\n'; echo warning >&2; ${info.command}`),
    },
  ));

test('an account without a shell is told apart from a script that failed', () =>
  withConnection(
    async (connection) => {
      await assert.rejects(connection.run({ script: 'echo no', timeoutMs: 5_000 }), (error) => {
        assert.ok(error instanceof SshError && error.code === 'SSH_SHELL_REFUSED', String(error));
        assert.match(error.message, /\\x1b\[1mThis account is not available/);
        assert.equal(error.outcome, 'not-started');
        return true;
      });
    },
    {
      onExec: (open) =>
        runInShell(open(), "printf '\\033[1mThis account is not available.\\n'; exit 1"),
    },
  ));

test('a forced command that ends well does not count as the script', () =>
  withConnection(
    async (connection) => {
      const run = connection.run({ script: 'true', timeoutMs: 5_000 });
      await assert.rejects(run, code('SSH_SHELL_REFUSED'));
    },
    { onExec: (open) => runInShell(open(), 'cat >/dev/null; exit 0') },
  ));

test('a script that is no shell syntax runs not even its beginning', () =>
  withConnection(async (connection) => {
    const run = connection.run({ script: 'echo started\nif', timeoutMs: 5_000 });
    await assert.rejects(run, code('SSH_SHELL_REFUSED'));
  }));

test('a script that takes too long times out, and the connection goes on', () =>
  withConnection(async (connection) => {
    const run = connection.run({ script: 'sleep 60', timeoutMs: 300 });
    await assert.rejects(run, code('SSH_TIMEOUT', 'unknown'));
    const next = await connection.run({ script: 'echo on', timeoutMs: 5_000 });
    assert.equal(next.stdout, 'on\n');
  }));

test('a cancelled script rejects at once; before its start nothing ran', () =>
  withConnection(async (connection, server) => {
    const signal = AbortSignal.timeout(200);
    const run = connection.run({ script: 'sleep 60', timeoutMs: 30_000, signal });
    await assert.rejects(run, code('SSH_CANCELLED', 'unknown'));
    const gone = AbortSignal.abort();
    const late = connection.run({ script: 'true', timeoutMs: 30_000, signal: gone });
    await assert.rejects(late, code('SSH_CANCELLED', 'not-started'));
    assert.equal(server.commands.length, 1);
  }));

test('a process left in the background does not hold the result back', () =>
  withConnection(async (connection) => {
    const began = performance.now();
    const script = 'sleep 20 & echo done';
    const result = await connection.run({ script, timeoutMs: 15_000 });
    assert.equal(result.stdout, 'done\n');
    assert.ok(performance.now() - began < 8_000);
  }, sshdLike()));

// sshd tells the exit status when the shell ends, though a child may still hold the output open.
function sshdLike(): FakeServerOptions {
  return {
    onExec: (open) => {
      const channel = open();
      let answered = false;
      channel.on('data', (chunk: Buffer) => {
        const marker = /benchcluster-run-[0-9a-f]{16}/.exec(chunk.toString())?.[0];
        if (marker === undefined || answered) return;
        answered = true;
        channel.write(`${marker}\ndone\n`);
        channel.exit(0);
      });
    },
  };
}

test('more scripts than sessions wait for their turn, and all run', () => {
  let active = 0;
  let most = 0;
  return withConnection(
    async (connection) => {
      const runs = Array.from({ length: 12 }, (_, i) =>
        connection.run({ script: `sleep 0.05; echo ${i}`, timeoutMs: 10_000 }),
      );
      const results = await Promise.all(runs);
      assert.deepEqual(
        results.map((result) => result.stdout),
        Array.from({ length: 12 }, (_, i) => `${i}\n`),
      );
      assert.equal(most, 3);
    },
    {
      onExec: (open, info) => {
        active += 1;
        most = Math.max(most, active);
        const channel = open();
        channel.on('close', () => {
          active -= 1;
        });
        runInShell(channel, info.command);
      },
    },
    { maxSessions: 3 },
  );
});

test('a script that waits for a session times out without having started', () =>
  withConnection(
    async (connection, server) => {
      const first = connection.run({ script: 'sleep 1', timeoutMs: 10_000 });
      const second = connection.run({ script: 'echo no', timeoutMs: 200 });
      await assert.rejects(second, code('SSH_TIMEOUT', 'not-started'));
      await first;
      assert.equal(server.commands.length, 1);
    },
    {},
    { maxSessions: 1 },
  ));

test('a server that allows fewer sessions than we thought is served within its limit', () => {
  let open = 0;
  return withConnection(
    async (connection) => {
      const runs = Array.from({ length: 6 }, () =>
        connection.run({ script: 'sleep 0.05; echo x', timeoutMs: 10_000 }),
      );
      for (const result of await Promise.all(runs)) assert.equal(result.stdout, 'x\n');
    },
    {
      onSession: (accept, reject) => {
        if (open >= 2) return reject();
        open += 1;
        accept();
      },
      onExec: (accept, info) => {
        const channel = accept();
        channel.on('close', () => {
          open -= 1;
        });
        runInShell(channel, info.command);
      },
    },
  );
});

test('a server that allows no session at all is an error that says so', () =>
  withConnection(
    async (connection) => {
      const run = connection.run({ script: 'true', timeoutMs: 10_000 });
      await assert.rejects(run, code('SSH_SESSION_REFUSED', 'not-started'));
    },
    { onSession: (_accept, reject) => reject() },
  ));

test('a closed connection says so to whoever comes later', () =>
  withConnection(async (connection) => {
    let told: SshError | undefined;
    connection.onClose((error) => {
      told = error;
    });
    await connection.close();
    assert.equal(connection.isOpen, false);
    assert.equal(told?.code, 'SSH_CONNECTION_LOST');
    await assert.rejects(
      connection.run({ script: 'true', timeoutMs: 1_000 }),
      code('SSH_CONNECTION_LOST', 'not-started'),
    );
    await assert.rejects(connection.forwardUnix('/x'), code('SSH_CONNECTION_LOST'));
    await connection.close();
  }));
