// The emulator's control plane, as far as the tests need it.
const PATIENCE_MS = 10_000

/** One call of it; with a body, a POST. */
export async function control(path, body) {
  const response = await fetch(`${process.env.EMULATOR_URL}/__emulator/${path}`, {
    method: body ? 'POST' : 'GET',
    headers: body ? { 'content-type': 'application/json' } : {},
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(PATIENCE_MS),
  })
  if (!response.ok) throw new Error(`emulator: ${path} answered ${response.status}: ${await response.text()}`)
  return response.json()
}

/** Moves the clock that the emulator and the gateway share. */
export const advance = seconds => control('clock', { advance_seconds: seconds })

/** Every request that reached Entra so far: method, path, query, form, headers, status. */
export const requests = () => control('requests')
