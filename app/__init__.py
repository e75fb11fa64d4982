"""The Streamlit app: `streamlit run app/main.py`. Only this package imports streamlit."""
