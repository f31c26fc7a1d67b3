import { render } from "preact"
import { App } from "./App.tsx"
import { returnFromSignIn } from "./Router.ts"

returnFromSignIn()
const page = document.querySelector("#page")!
page.replaceChildren()
render(<App />, page)
