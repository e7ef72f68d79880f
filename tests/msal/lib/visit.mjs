// Stands where the desktop's browser would: signs in and goes where it is sent.
import { visit } from './entra.mjs'

await visit(process.argv[2], process.env.SIGN_IN_AS)
