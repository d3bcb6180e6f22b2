/** One object is defined in one place. Every further definition is a fault of all of them. */
import type { Fault } from './fault.ts';

export interface ObjectRef {
  file: string;
  line: number;
  /** Absent where kind or name cannot be read. */
  object?: { kind: string; namespace: string; name: string };
}

export function objectKey({ kind, namespace, name }: NonNullable<ObjectRef['object']>): string {
  return `${kind}/${namespace}/${name}`;
}

export function conflictFaults(refs: readonly ObjectRef[]): Fault[] {
  const byKey = new Map<string, ObjectRef[]>();
  for (const ref of refs) {
    if (ref.object === undefined) continue;
    const key = objectKey(ref.object);
    byKey.set(key, [...(byKey.get(key) ?? []), ref]);
  }
  return [...byKey.values()]
    .filter((same) => same.length > 1)
    .flatMap((same) => same.map((ref) => conflictFault(ref, same)));
}

function conflictFault(ref: ObjectRef, same: readonly ObjectRef[]): Fault {
  const others = same
    .filter((other) => other !== ref)
    .map((other) => `${other.file}:${other.line}`)
    .slice(0, 5);
  const { file, line, object } = ref;
  return {
    file,
    line,
    path: 'metadata.name',
    message: `${object?.kind} ${object?.name} is also defined in ${others.join(', ')}`,
    hint: 'keep one of them',
    ...(object && { object }),
  };
}
