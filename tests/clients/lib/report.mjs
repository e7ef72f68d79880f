// The table and the count at the end.
import { ALL_STEPS } from './judge.mjs'

/** One row per client, one column per step that anybody took. */
export function table(results) {
  const taken = ALL_STEPS.filter(step => results.some(({ steps }) => steps[step]))
  const rows = [
    ['client', 'version', 'seconds', ...taken.map((_, index) => `${index + 1}`)],
    ...results.map(({ title, version, seconds, steps }) =>
      [title, version, seconds.toFixed(1), ...taken.map(step => cell(steps[step]))]),
  ]
  const widths = rows[0].map((_, column) => Math.max(...rows.map(row => row[column].length)))
  const lines = rows.map(row => row.map((text, column) => text.padEnd(widths[column])).join('  ').trimEnd())
  const legend = taken.map((step, index) => `${index + 1} ${step}`).join(', ')
  return `\n${lines.join('\n')}\n\n${legend}\n`
}

const cell = verdict => (verdict === undefined ? '-' : verdict.ok ? 'ok' : 'FAIL')

/** What went wrong, one line each. */
export function failures(results, wire) {
  const steps = results.flatMap(({ title, steps }) =>
    ALL_STEPS.filter(step => steps[step]?.ok === false).map(step => `FAIL ${title}, ${step}: ${steps[step].why}`))
  return [...steps, ...wire.filter(({ ok }) => !ok).map(({ name, why }) => `FAIL ${name}: ${why}`)]
}

/** `N passed, N failed`. */
export function count(results, wire) {
  const verdicts = [...results.flatMap(({ steps }) => Object.values(steps)), ...wire]
  const failed = verdicts.filter(({ ok }) => !ok).length
  return { failed, line: `${verdicts.length - failed} passed, ${failed} failed` }
}
