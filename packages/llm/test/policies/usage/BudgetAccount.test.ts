/** One amount: what fits, what is held meanwhile, and when what was used counts no longer. */
import { describe, expect, it } from "vitest"
import { BudgetAccount } from "../../../src/policies/usage/BudgetAccount.ts"

/** One of 100 within ten seconds, in which a step takes a tenth of a second. */
const within = () => new BudgetAccount(100, 10_000)

const forGood = () => new BudgetAccount(100, Number.POSITIVE_INFINITY)

const use = (account: BudgetAccount, amount: number, nowMs: number) => {
  account.reserve(amount)
  account.settle(amount, amount, nowMs)
}

describe("an account", () => {
  it("has room for its limit, and for nothing whatever was used", () => {
    const account = forGood()
    expect([account.fits(100, 0), account.fits(101, 0)]).toEqual([true, false])
    use(account, 60, 0)
    expect([account.fits(40, 0), account.fits(41, 0)]).toEqual([true, false])
    account.reserve(30)
    expect([account.fits(10, 0), account.fits(11, 0), account.reserved]).toEqual([true, false, 30])
    use(account, 80, 0)
    expect([account.fits(1, 0), account.fits(0, 0)]).toEqual([false, true])
  })

  it("is used up when what is used and reserved comes to its limit", () => {
    const account = forGood()
    use(account, 60, 0)
    account.reserve(39)
    expect(account.isUsedUp(0)).toBe(false)
    account.reserve(1)
    expect(account.isUsedUp(0)).toBe(true)
  })

  it("notes what was used in place of what was reserved", () => {
    const account = forGood()
    account.reserve(50)
    account.reserve(20)
    account.settle(50, 10, 0)
    expect([account.used(0), account.reserved]).toEqual([10, 20])
    account.settle(20, 25, 1e12)
    expect([account.used(1e12), account.reserved]).toEqual([35, 0])
  })

  it("is untouched before its first use, while nothing is under way, and again when that is over", () => {
    const account = within()
    expect(account.isUntouched(0)).toBe(true)
    account.reserve(0)
    expect(account.isUntouched(0)).toBe(false)
    account.settle(0, 0, 0)
    expect(account.isUntouched(0)).toBe(true)
    use(account, 5, 0)
    expect([account.isUntouched(0), account.isUntouched(10_099), account.isUntouched(10_100)]).toEqual([
      false,
      false,
      true,
    ])
  })
})

describe("what was used", () => {
  it("counts for the time, and for up to a hundredth of it longer", () => {
    const account = within()
    use(account, 10, 150)
    expect([account.used(10_150), account.used(10_199), account.used(10_200)]).toEqual([10, 10, 0])
  })

  it("expires step by step", () => {
    const account = within()
    use(account, 10, 0)
    use(account, 20, 99)
    use(account, 30, 100)
    use(account, 40, 5000)
    expect([account.used(10_099), account.used(10_100), account.used(10_200), account.used(15_100)]).toEqual([
      100, 70, 40, 0,
    ])
  })

  it("counts for good where no time is set", () => {
    const account = forGood()
    use(account, 10, 0)
    use(account, 10, 5000)
    expect([account.used(1e15), account.freeInMs(5, 0)]).toEqual([20, undefined])
  })
})

describe("the time until an amount fits", () => {
  it("is when enough of what was used counts no longer", () => {
    const account = within()
    use(account, 40, 0)
    use(account, 60, 1000)
    expect([1, 40, 41, 100].map((amount) => account.freeInMs(amount, 1000))).toEqual([9100, 9100, 10_100, 10_100])
    expect(account.freeInMs(101, 1000)).toBeUndefined()
  })

  it("counts what is reserved too, and is the whole time where that is in the way", () => {
    const account = within()
    use(account, 40, 0)
    account.reserve(30)
    expect([31, 70, 71].map((amount) => account.freeInMs(amount, 0))).toEqual([10_100, 10_100, 10_000])
  })
})
