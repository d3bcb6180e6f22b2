/** The file of the state that has what the reader of manifests remembers. */
import { join } from 'node:path';
import { type ManifestMemory, memoryText, parseMemory } from './manifest-memory.ts';
import { readState, writeWhole } from './state-files.ts';

export function manifestMemory(state: string): ManifestMemory {
  const file = memoryFile(state);
  return {
    read: async () => parseMemory((await readState(file))?.content ?? '[]'),
    write: (files) => writeWhole(file, memoryText(files)),
  };
}

export function memoryFile(state: string): string {
  return join(state, 'manifests.json');
}
