// What must hold of every request that reached Entra during the whole run, whoever was signing in.
import { isTokenRequest, parameter } from './judge.mjs'

const CHECKS = [
  {
    name: 'no request carried `resource` (AADSTS901002, AADSTS9010010)',
    breaks: request => parameter(request, 'resource') !== undefined,
  },
  {
    name: 'no request carried `Origin` (AADSTS9002326)',
    breaks: ({ headers }) => headers.some(([name]) => name.toLowerCase() === 'origin'),
  },
  {
    name: 'every /token request carried `scope` (AADSTS900144, AADSTS90009)',
    breaks: request => isTokenRequest(request) && !parameter(request, 'scope'),
  },
  {
    name: 'no `prompt=consent` (the admin-approval wall)',
    breaks: request => parameter(request, 'prompt')?.split(' ').includes('consent'),
  },
]

/** One verdict per check: `{ name, ok, why }`. A log without enough token requests proves nothing and fails them all. */
export function wire(log, leastTokenRequests) {
  const count = log.filter(isTokenRequest).length
  const tooFew = count < leastTokenRequests && `only ${count} token requests were logged`
  return CHECKS.map(({ name, breaks }) => {
    const culprits = log.filter(breaks).map(({ method, path }) => `${method} ${path}`)
    const why = tooFew || culprits.join(', ') || undefined
    return { name, ok: !why, why }
  })
}
