// Every page a person can meet: a name, how to get there, and what its heading says.
import { CLI2, authorize, deviceCode, devicePage, logoutPage, query } from './entra.mjs'

const LONG = 'w'.repeat(300)
const MARKUP = `"></code></main><img src=x onerror=window.hostile=1><script>window.hostile=1</script>`

/** `prepare` is for pages that follow another one: it works on the page that `url` has opened. */
export async function pages({ emulator, asking, hostile, gateway, callback }) {
  const at = (base, changes) => authorize(base, callback, changes)
  const atGateway = changes => `${gateway.base_url}/oauth/authorize?${query(
    { response_type: 'code', client_id: gateway.client, redirect_uri: callback, state: 'xyz', ...changes })}`
  const code = await deviceCode(emulator, CLI2)
  const declinedCode = await deviceCode(emulator, CLI2)
  const hostileCode = await deviceCode(hostile, CLI2)
  const hostileClient = { client_id: CLI2 }
  const press = name => page => page.getByRole('button', { name }).first().click()
  return [
    { name: 'home', url: `${emulator}/`, h1: 'Entra ID emulator' },
    { name: 'sign-in', url: at(emulator), h1: 'Sign in to Contoso' },
    { name: 'sign-in hinted', url: at(asking, { login_hint: 'bob@contoso.test' }), h1: 'Sign in to Contoso' },
    { name: 'sign-in, long state', url: at(emulator, { state: LONG + MARKUP }), h1: 'Sign in to Contoso' },
    { name: 'consent', url: at(emulator, { client_id: CLI2, login_hint: 'alice@contoso.test' }), h1: 'Permissions requested' },
    { name: 'mfa', url: at(emulator, { login_hint: 'mia@contoso.test' }), h1: 'Approve the sign-in' },
    { name: 'error', url: at(emulator, { client_id: 'c0000000-0000-4000-8000-00000000dead' }), h1: 'The emulator could not sign you in' },
    { name: 'error, hostile', url: at(emulator, { login_hint: MARKUP + LONG }), h1: 'The emulator could not sign you in' },
    { name: 'form_post', url: at(emulator, { login_hint: 'alice@contoso.test', response_mode: 'form_post' }), h1: 'Going back to the application' },
    { name: 'form_post, hostile', url: at(emulator, { login_hint: 'alice@contoso.test', response_mode: 'form_post', state: MARKUP + LONG }), h1: 'Going back to the application' },
    { name: 'logout', url: logoutPage(emulator), h1: 'Signed out' },
    { name: 'error lookup', url: `${emulator}/error?code=50011`, h1: 'AADSTS50011' },
    { name: 'device', url: devicePage(emulator), h1: 'Sign in on another device' },
    { name: 'device, wrong code', url: devicePage(emulator, { user_code: `${MARKUP}${LONG}` }), h1: 'Sign in on another device' },
    { name: 'device confirm', url: devicePage(emulator, { user_code: code, __emulator_user: 'alice' }), h1: 'Sign in to Contoso CLI without consent?' },
    { name: 'device declined', url: devicePage(emulator, { user_code: declinedCode, __emulator_user: 'alice' }), prepare: press('Decline'), h1: 'Declined' },
    { name: 'hostile home', url: `${hostile}/`, h1: 'Entra ID emulator' },
    { name: 'hostile sign-in', url: at(hostile, hostileClient), h1: 'Sign in to </title><script>' },
    { name: 'hostile mfa', url: at(hostile, hostileClient), prepare: press('Bob'), h1: 'Approve the sign-in' },
    {
      name: 'hostile consent', url: at(hostile, hostileClient), h1: 'Permissions requested',
      prepare: async page => {
        await press('Bob')(page)
        await press('Approve')(page)
      },
    },
    { name: 'hostile device confirm', url: devicePage(hostile, { user_code: hostileCode }), prepare: press('Bob'), h1: 'Sign in to </strong></main>' },
    { name: 'gateway: unknown client', url: atGateway({ client_id: 'c0000000-0000-4000-8000-00000000dead' }), h1: 'This sign-in request cannot be used' },
    { name: 'gateway: no client', url: atGateway({ client_id: undefined }), h1: 'This sign-in request cannot be used' },
    { name: 'gateway: redirect URI', url: atGateway({ redirect_uri: 'https://chat.contoso.com/oauth/callback' }), h1: 'This sign-in request cannot be used' },
    { name: 'gateway: hostile client', url: atGateway({ client_id: MARKUP + LONG }), h1: 'This sign-in request cannot be used' },
    { name: 'gateway: hostile redirect URI', url: atGateway({ redirect_uri: `https://evil.test/${LONG}?${MARKUP}` }), h1: 'This sign-in request cannot be used' },
  ]
}
