import { render } from "preact"
import { App } from "./App.tsx"
import { listen } from "./Live.ts"
import { returnFromSignIn } from "./Router.ts"

returnFromSignIn()
listen()
const page = document.querySelector("#page")!
page.replaceChildren()
render(<App />, page)
