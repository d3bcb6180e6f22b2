import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { dialFirst } from '../../src/libvirt/dial.ts';

describe('a dialer of several sockets', () => {
  it('takes the first that answers, and tells why the one that is there does not', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'dial-'));
    t.after(() => rm(folder, { recursive: true }));
    const [dead, absent, alive] = ['dead', 'absent', 'alive'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    await writeFile(dead, '');
    await assert.rejects(dialFirst([dead, absent])(), { code: 'ECONNREFUSED' });
    await assert.rejects(dialFirst([absent, dead])(), { code: 'ECONNREFUSED' });
    await assert.rejects(dialFirst([absent, absent])(), { code: 'ENOENT' });
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(alive, resolve));
    t.after(() => server.close());
    const stream = await dialFirst([dead, absent, alive])();
    stream.destroy();
  });
});
