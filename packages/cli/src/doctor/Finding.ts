/** What the doctor found of one thing. */
export interface Finding {
  /** `fix` makes the command fail; `note` is worth knowing. */
  readonly verdict: "ok" | "note" | "fix"
  /** Whom it is about: `settings`, `clock`, a provider. */
  readonly about: string
  readonly says: string
  /** What to do, exactly; only for `fix` and `note`. */
  readonly fix?: string | undefined
}
