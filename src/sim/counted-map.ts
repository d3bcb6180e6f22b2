/**
 * A map of plain values that counts each change of itself and of a member of its values, so that
 * who has read it knows for nothing that it still says the same. What lies deeper in a value is to
 * be replaced, not changed.
 */
export class CountedMap<Key, Value extends object> extends Map<Key, Value> {
  changes = 0;
  readonly #known = new WeakSet<Value>();

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

  /** The same for a value that was here before, so that it is still the one that others know. */
  #counted(value: Value): Value {
    if (this.#known.has(value)) return value;
    const counted = new Proxy(value, {
      set: (target, member, item) => {
        this.changes += 1;
        return Reflect.set(target, member, item);
      },
      deleteProperty: (target, member) => {
        this.changes += 1;
        return Reflect.deleteProperty(target, member);
      },
    });
    this.#known.add(counted);
    return counted;
  }
}
