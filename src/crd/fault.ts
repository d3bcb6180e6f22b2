/** A fault of a manifest: what, where, and what to do. All faults of a file are reported at once. */
export interface Fault {
  file: string;
  /** 1-based; absent when the fault concerns the whole file. */
  line?: number;
  column?: number;
  /** Field path such as `spec.workers[0].replicas`. */
  path?: string;
  message: string;
  hint?: string;
  /** The object that the fault belongs to, where it is known. */
  object?: { kind: string; namespace: string; name: string };
}

/** `file:line:column: path: message (hint)`, as compilers print it. */
export function describeFault(fault: Fault): string {
  const place = [fault.file, fault.line, fault.column]
    .filter((part) => part !== undefined)
    .join(':');
  const path = fault.path === undefined || fault.path === '' ? '' : `${fault.path}: `;
  const hint = fault.hint === undefined ? '' : ` (${fault.hint})`;
  return `${place}: ${path}${fault.message}${hint}`;
}
