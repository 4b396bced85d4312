/** What comes with what has been granted, and that in turn (2026-07-28, basic/authorization#step-up-authorization-flow). */
export type ScopeHierarchy = (granted: readonly string[]) => readonly string[]

/** @param implied - the scopes that come with each */
export function scopeHierarchy(
  implied: Readonly<Record<string, readonly string[]>> = {},
): ScopeHierarchy {
  const table = new Map(Object.entries(implied))
  if (table.size === 0) return (granted) => granted
  return (granted) => {
    const all = new Set(granted)
    // A set is walked to what is added on the way, too.
    for (const scope of all) for (const further of table.get(scope) ?? []) all.add(further)
    return [...all]
  }
}
