/**
 * A map of plain values that counts each change of itself and of a member of its values, so that
 * who has read it knows for nothing that it still says the same. What lies deeper in a value is to
 * be replaced, not changed.
 */
export class CountedMap<Key, Value extends object> extends Map<Key, Value> {
  changes = 0;
  /** Of each value, what `changes` was after its last one. */
  readonly #last = new WeakMap<Value, number>();

  override set(key: Key, value: Value): this {
    this.changes += 1;
    return super.set(key, this.#counted(value));
  }

  override delete(key: Key): boolean {
    this.changes += 1;
    return super.delete(key);
  }

  override clear(): void {
    this.changes += 1;
    super.clear();
  }

  /** Another number after each change of that value. */
  lastChange(value: Value): number {
    return this.#last.get(value) ?? 0;
  }

  /** The same for a value that was here before, so that it is still the one that others know. */
  #counted(value: Value): Value {
    if (this.#last.has(value)) return value;
    const count = () => {
      this.changes += 1;
      this.#last.set(counted, this.changes);
    };
    const counted: Value = new Proxy(value, {
      set: (target, member, item) => {
        count();
        return Reflect.set(target, member, item);
      },
      deleteProperty: (target, member) => {
        count();
        return Reflect.deleteProperty(target, member);
      },
    });
    this.#last.set(counted, this.changes);
    return counted;
  }
}
