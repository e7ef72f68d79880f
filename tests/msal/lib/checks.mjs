// How a driver tells run.mjs what it found: one JSON object a line.
import assert from 'node:assert/strict'

export { assert }

export async function check(name, work) {
  try {
    await work()
    console.log(JSON.stringify({ name, ok: true }))
  } catch (error) {
    console.log(JSON.stringify({ name, ok: false, why: error.stack ?? String(error) }))
  }
}

/** The promise must be refused with this AADSTS code. */
export async function refused(code, promise) {
  let error
  await promise.then(value => { throw new assert.AssertionError({ message: `it was not refused: ${JSON.stringify(value)}` }) },
    reason => { error = reason })
  const text = [error.errorMessage, error.message, error.errorResponse?.errorDescription].filter(Boolean).join('\n')
  assert.match(text, new RegExp(`AADSTS${code}\\b`))
}
