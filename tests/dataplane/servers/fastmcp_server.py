"""An MCP server as FastMCP's users write it, on $PORT."""

import asyncio
import os

from fastmcp import Context, FastMCP

mcp = FastMCP("numbers")


@mcp.tool
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@mcp.tool
async def count(to: int, ctx: Context) -> str:
    """Counts, and says how far it is."""
    for number in range(1, to + 1):
        await ctx.report_progress(number, to)
        await asyncio.sleep(0.02)
    return f"counted to {to}"


@mcp.tool
def fail() -> str:
    """Fails."""
    raise ValueError("on purpose")


@mcp.prompt
def greet(name: str) -> str:
    """Greets somebody."""
    return f"Say hello to {name}."


@mcp.resource("data://numbers")
def numbers() -> list[int]:
    """Some numbers."""
    return [1, 2, 3]


mcp.run(transport="http", host="127.0.0.1", port=int(os.environ["PORT"]), path="/mcp", show_banner=False)
