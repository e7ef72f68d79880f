// What a suite found, a line each, and its end.
import { rmSync } from 'node:fs'

let passed = 0
let failed = 0

/** One verdict; without a reason it is a good one. */
export function verdict(name, why) {
  why ? failed++ : passed++
  console.log(why ? `FAIL  ${name}: ${why}` : `ok    ${name}`)
}

/** Runs the suite, counts, and ends the process. `state`: the folder with the logs, which stays when they are needed. */
export async function judged(state, suite) {
  try {
    await suite()
  } catch (error) {
    console.error(error)
    failed++
  }
  if (failed === 0) rmSync(state, { recursive: true })
  else console.log(`logs: ${state}`)
  console.log(`\n${passed} passed, ${failed} failed`)
  process.exit(failed ? 1 : 0)
}
